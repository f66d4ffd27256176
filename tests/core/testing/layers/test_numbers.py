"""The checks of a layer's numbers: each planted fault fails the one made for it."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest

from mlpk import Declaration, Example, Layer, define


class Logistic(Layer):
    """y = (1 + tanh(x / 2)) / 2, right unless a method is changed."""

    gives: ClassVar[str] = "probabilities"

    def declare(self, x):
        return Declaration(x)

    def forward(self, arrays, ctx, x):
        y = np.multiply(x, 0.5, out=ctx.empty("y", x.shape))
        np.tanh(y, out=y)
        y += 1
        y *= 0.5
        return y, y

    def backward(self, arrays, ctx, y, doutput, grads):
        dx = np.subtract(1, y, out=ctx.empty("dx", y.shape))
        dx *= y
        dx *= doutput
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,))


@define
class Right(Logistic):
    kind: ClassVar[str] = "right"


@define
class RightReal(Logistic):
    """Says nothing of probabilities, and may be anything."""

    kind: ClassVar[str] = "right_real"
    gives: ClassVar[str] = "real"

    def forward(self, arrays, ctx, x):
        y, saved = super().forward(arrays, ctx, x)
        return np.multiply(y, 3, out=ctx.empty("z", x.shape)), saved

    def backward(self, arrays, ctx, y, doutput, grads):
        dx = super().backward(arrays, ctx, y, doutput, grads)
        dx *= 3
        return dx


@define
class BeyondOne(RightReal):
    kind: ClassVar[str] = "beyond_one"
    gives: ClassVar[str] = "probabilities"


@define
class Naive(Logistic):
    """exp(x) / (1 + exp(x)), which is no number far out."""

    kind: ClassVar[str] = "naive"

    def forward(self, arrays, ctx, x):
        y = np.exp(x) / (1 + np.exp(x))
        return y, y


@define
class Shifts(Logistic):
    """Says that it keeps what its input means, and does not."""

    kind: ClassVar[str] = "shifts"
    gives: ClassVar[str] = "same"

    def forward(self, arrays, ctx, x):
        return x - 1, None

    def backward(self, arrays, ctx, saved, doutput, grads):
        return doutput


@define
class Unheard(Logistic):
    kind: ClassVar[str] = "unheard"
    gives: ClassVar[str] = "percent"


@define
class Rough(Logistic):
    """Computes float32 in float16."""

    kind: ClassVar[str] = "rough"

    def forward(self, arrays, ctx, x):
        if x.dtype == np.float32:
            x = x.astype(np.float16).astype(np.float32)
        return super().forward(arrays, ctx, x)


@define
class RoughBack(Logistic):
    """Goes back from float32 in float16."""

    kind: ClassVar[str] = "rough_back"

    def backward(self, arrays, ctx, y, doutput, grads):
        if y.dtype == np.float32:
            doutput = doutput.astype(np.float16).astype(np.float32)
        return super().backward(arrays, ctx, y, doutput, grads)


@define
class Alarming(Logistic):
    """Right, but for what it computes on the way."""

    kind: ClassVar[str] = "alarming"

    def forward(self, arrays, ctx, x):
        np.log(x)
        return super().forward(arrays, ctx, x)


FAULTS = {
    BeyondOne: "outputs_mean_what_they_say",
    Naive: "outputs_mean_what_they_say",
    Shifts: "outputs_mean_what_they_say",
    Unheard: "outputs_mean_what_they_say",
    Rough: "float32_follows_float64",
    RoughBack: "float32_follows_float64",
    Alarming: "ordinary_inputs_raise_no_alarm",
}


def test_what_is_right_passes(failed):
    assert failed(Right, RightReal) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda kind: kind.kind)
def test_a_faulty_layer_fails(failed, fault):
    assert FAULTS[fault] in failed(fault)


@pytest.mark.filterwarnings("default")
def test_an_alarm_is_heard_where_warnings_are_none(failed):
    with np.errstate(all="ignore"):
        assert "ordinary_inputs_raise_no_alarm" in failed(Alarming)
