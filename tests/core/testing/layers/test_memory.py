"""The checks of a layer's memory: each planted fault fails the one made for it."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest

from mlpk import Declaration, Example, Layer, define


class Doubles(Layer):
    """y = 2 x, right unless a method is changed."""

    def declare(self, x):
        return Declaration(x)

    def forward(self, arrays, ctx, x):
        return np.multiply(x, 2, out=ctx.empty("y", x.shape)), None

    def backward(self, arrays, ctx, saved, doutput, grads):
        return np.multiply(doutput, 2, out=ctx.empty("dx", doutput.shape))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,))
        yield Example(cls(), (4, 2), linear=True)


@define
class Right(Doubles):
    kind: ClassVar[str] = "right"


@define
class RowIndex(Doubles):
    """Takes an index for each row: right."""

    kind: ClassVar[str] = "row_index"

    def forward(self, arrays, ctx, x):
        y, _ = super().forward(arrays, ctx, x)
        return y, np.arange(len(x))


@define
class Pieces(Doubles):
    """Takes memory for 100,000 values at a time: right, as it does not grow for ever."""

    kind: ClassVar[str] = "pieces"

    def forward(self, arrays, ctx, x):
        y, flat = ctx.empty("y", x.shape), np.ascontiguousarray(x).reshape(-1)
        for start in range(0, x.size, 100_000):
            piece = slice(start, start + 100_000)
            y.reshape(-1)[piece] = flat[piece] * 2
        return y, None


@define
class Expression(Doubles):
    kind: ClassVar[str] = "expression"

    def forward(self, arrays, ctx, x):
        return x * 2, None


@define
class Temporary(Doubles):
    kind: ClassVar[str] = "temporary"

    def backward(self, arrays, ctx, saved, doutput, grads):
        return np.add(doutput, doutput * 1, out=ctx.empty("dx", doutput.shape))


@define
class InEvaluation(Doubles):
    """Is steady in training alone."""

    kind: ClassVar[str] = "in_evaluation"

    def forward(self, arrays, ctx, x):
        return super().forward(arrays, ctx, x) if ctx.training else (x * 2, None)


@define
class Masks(Doubles):
    """Takes a truth value for each value."""

    kind: ClassVar[str] = "masks"

    def forward(self, arrays, ctx, x):
        y, _ = super().forward(arrays, ctx, x)
        return y, x > 0


@define
class WantsOrder(Doubles):
    """Reads its input's memory as if it lay in C order."""

    kind: ClassVar[str] = "wants_order"

    def forward(self, arrays, ctx, x):
        x = np.ndarray(x.shape, x.dtype, x.base if x.base is not None else x)
        return super().forward(arrays, ctx, x)


@define
class InMemoryOrder(Doubles):
    """Reads its input in the order in which it lies in memory."""

    kind: ClassVar[str] = "in_memory_order"

    def forward(self, arrays, ctx, x):
        return super().forward(arrays, ctx, x.ravel(order="K").reshape(x.shape))


@define
class ForgetsInEvaluation(Doubles):
    """Reads what lies backward in order, in evaluation alone."""

    kind: ClassVar[str] = "forgets_in_evaluation"

    def forward(self, arrays, ctx, x):
        if not ctx.training and x.strides[-1] < 0:
            x = x[..., ::-1]
        return super().forward(arrays, ctx, x)


@define
class RowsByStride(Doubles):
    """Takes the distance of two rows for the length of one."""

    kind: ClassVar[str] = "rows_by_stride"

    def forward(self, arrays, ctx, x):
        x = x.reshape(-1, x.strides[0] // x.itemsize).reshape(x.shape)
        return super().forward(arrays, ctx, x)


FAULTS = {
    Expression: "memory_stays_steady",
    Temporary: "memory_stays_steady",
    InEvaluation: "memory_stays_steady",
    Masks: "memory_stays_steady",
    WantsOrder: "place_in_memory_does_not_matter",
    InMemoryOrder: "place_in_memory_does_not_matter",
    ForgetsInEvaluation: "place_in_memory_does_not_matter",
    RowsByStride: "broadcast_rows_are_rows",
}


def test_what_is_right_passes(failed):
    assert failed(Right, RowIndex) == set()


def test_pieces_of_a_fixed_size_are_steady(failed):
    assert "memory_stays_steady" not in failed(Pieces)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda kind: kind.kind)
def test_a_faulty_layer_fails(failed, fault):
    assert FAULTS[fault] in failed(fault)
