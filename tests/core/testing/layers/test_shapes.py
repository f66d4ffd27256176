"""The checks of a layer's shapes: each planted fault fails the one made for it."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest

from mlpk import Declaration, Example, Layer, Param, ShapeError, define
from mlpk.declaration import known


class Copies(Layer):
    """y = x, right unless a method is changed."""

    def declare(self, x):
        return Declaration(x)

    def forward(self, arrays, ctx, x):
        y = ctx.empty("y", x.shape)
        np.copyto(y, x)
        return y, None

    def backward(self, arrays, ctx, saved, doutput, grads):
        return doutput

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (None, 3))


@define
class Right(Copies):
    kind: ClassVar[str] = "right"


@define
class RightOfTwo(Copies):
    """Takes rows of two axes, and two rows or more in training; says both."""

    kind: ClassVar[str] = "right_of_two"

    def declare(self, x):
        if len(x) != 2:
            raise ShapeError(f"wanted two axes, found {len(x)}")
        return Declaration(x, min_rows=2)

    def forward(self, arrays, ctx, x):
        if ctx.training and len(x) < 2:
            raise ShapeError("wanted two rows")
        return super().forward(arrays, ctx, x)


@define
class RightOfShort(Copies):
    """Takes lengths from 4, and says so as soon as it sees one."""

    kind: ClassVar[str] = "right_of_short"

    def declare(self, x):
        if len(x) != 2:
            raise ShapeError(f"wanted two axes, found {len(x)}")
        self._check(x[0])
        return Declaration(x)

    def forward(self, arrays, ctx, x):
        self._check(x.shape[1])
        return super().forward(arrays, ctx, x)

    def _check(self, length):
        if length is not None and length < 4:
            raise ShapeError(f"wanted a length from 4, found {length}")


@define
class NeedsTwoAxes(Copies):
    """Runs out of axes, and does not say so."""

    kind: ClassVar[str] = "needs_two_axes"

    def declare(self, x):
        return Declaration((x[0], x[1]) if x[1] else x)


@define
class FirstAxisOnly(Copies):
    """Sums the gradient over the first axis, whatever the rank."""

    kind: ClassVar[str] = "first_axis_only"

    def declare(self, x):
        if not x:
            raise ShapeError("wanted an axis, found none")
        return Declaration(x, {"b": Param((known(x[-1]),), "zeros")})

    def forward(self, arrays, ctx, x):
        return x + arrays["b"], None

    def backward(self, arrays, ctx, saved, doutput, grads):
        doutput.sum(axis=0, out=grads["b"])
        return doutput

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,))


@define
class CountsDeclared(Copies):
    """Divides by the length that was declared, and by one where there was none."""

    kind: ClassVar[str] = "counts_declared"

    def declare(self, x):
        share = {"kind": "constant", "value": 1 / ((x[0] if x else None) or 1)}
        return Declaration(x, {"share": Param((), share, trainable=False)})

    def forward(self, arrays, ctx, x):
        return x * arrays["share"], arrays["share"]

    def backward(self, arrays, ctx, saved, doutput, grads):
        grads["share"] = 0
        return doutput * saved

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (5, 3))


@define
class KeepsRows(Copies):
    """Goes on with the number of rows that its context saw first."""

    kind: ClassVar[str] = "keeps_rows"

    def forward(self, arrays, ctx, x):
        rows = vars(ctx).setdefault("rows", len(x))
        return x * (len(x) / rows), len(x) / rows

    def backward(self, arrays, ctx, saved, doutput, grads):
        return doutput * saved


@define
class KeepsLength(Copies):
    """Goes on with the length that its context saw first."""

    kind: ClassVar[str] = "keeps_length"

    def forward(self, arrays, ctx, x):
        length = vars(ctx).setdefault("length", x.shape[-2] if x.ndim > 2 else 1)
        return x / length, length

    def backward(self, arrays, ctx, saved, doutput, grads):
        return doutput / saved


@define
class LosesRows(Copies):
    """Gives no more than two rows back."""

    kind: ClassVar[str] = "loses_rows"

    def forward(self, arrays, ctx, x):
        return x[:2].copy(), len(x)

    def backward(self, arrays, ctx, saved, doutput, grads):
        return np.concatenate([doutput, np.zeros((saved - len(doutput), *doutput.shape[1:]))])


@define
class NeedsTwoRows(Copies):
    """Divides by one row less than there are, and declares nothing of it."""

    kind: ClassVar[str] = "needs_two_rows"

    def forward(self, arrays, ctx, x):
        scale = np.float64(len(x)) / (len(x) - 1) if ctx.training else 1.0
        return x * scale, scale

    def backward(self, arrays, ctx, saved, doutput, grads):
        return doutput * saved


FAULTS = {
    NeedsTwoAxes: "any_rank_is_answered",
    FirstAxisOnly: "any_rank_is_answered",
    CountsDeclared: "unknown_lengths_change_nothing",
    KeepsRows: "sizes_may_change",
    KeepsLength: "sizes_may_change",
    LosesRows: "declared_shapes_are_real",
    NeedsTwoRows: "the_fewest_rows_train",
}


def test_what_is_right_passes(failed):
    assert failed(Right, RightOfTwo, RightOfShort) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda kind: kind.kind)
def test_a_faulty_layer_fails(failed, fault):
    assert FAULTS[fault] in failed(fault)
