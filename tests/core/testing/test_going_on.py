"""The check that training goes on exactly: what is right passes, and hidden state is found by it."""

from typing import ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import Buffer, Declaration, Example, Layer, Optimizer, Param, Schedule, define
from mlpk.testing import cases


class Centred(Layer):
    """y = x - m, with m an average of the batches' means."""

    def declare(self, x):
        return Declaration(x, buffers={"mean": Buffer(x, 0.0)})

    def forward(self, arrays, ctx, x):
        if ctx.training:
            self.take(arrays, ctx, x.mean(axis=0))
        return x - self.mean(arrays, ctx, x), None

    def take(self, arrays, ctx, mean):
        arrays["mean"][...] = 0.5 * arrays["mean"] + 0.5 * mean

    def mean(self, arrays, ctx, x):
        return arrays["mean"]

    def backward(self, arrays, ctx, saved, doutput, grads):
        return doutput

    @classmethod
    def examples(cls):
        yield Example(cls(), (3,))


@define
class InBuffer(Centred):
    kind: ClassVar[str] = "in_buffer"


@define
class OnLayer(Centred):
    """Keeps its average on itself, where no file sees it."""

    kind: ClassVar[str] = "on_layer"

    def take(self, arrays, ctx, mean):
        object.__setattr__(self, "held", 0.5 * vars(self).get("held", 0.0) + 0.5 * mean)

    def mean(self, arrays, ctx, x):
        return vars(self).get("held", 0.0)


@define
class InScratch(Centred):
    """Keeps its average in scratch memory, whose contents are undefined."""

    kind: ClassVar[str] = "in_scratch"

    def take(self, arrays, ctx, mean):
        held = ctx.empty("held", mean.shape)
        np.copyto(held, 0.5 * np.where(np.abs(held) < 9, held, 0) + 0.5 * mean)

    def mean(self, arrays, ctx, x):
        return ctx.empty("held", x.shape[1:]) if ctx.training else arrays["mean"]


@define
class DrawsElsewhere(Layer):
    """Noise from a generator of its own, which nothing winds back."""

    kind: ClassVar[str] = "draws_elsewhere"
    rng: ClassVar[np.random.Generator] = np.random.default_rng(0)

    def declare(self, x):
        return Declaration(x, params={"scale": Param(x, "ones")})

    def forward(self, arrays, ctx, x):
        noise = self.rng.standard_normal(x.shape) if ctx.training else np.zeros(x.shape)
        return (x * arrays["scale"] + noise).astype(x.dtype), x

    def backward(self, arrays, ctx, x, dy, grads):
        np.sum(dy * x, axis=0, out=grads["scale"])
        return dy * arrays["scale"]

    @classmethod
    def examples(cls):
        yield Example(cls(), (3,))


@define
class Heavy(Optimizer):
    kind: ClassVar[str] = "heavy"
    slots: ClassVar[tuple[str, ...]] = ("v",)

    def update(self, param, grad, slots, step):
        slots["v"][...] = 0.9 * slots["v"] + grad
        param -= step.lr * slots["v"]


@define
class HeavyOnObject(Optimizer):
    kind: ClassVar[str] = "heavy_on_object"

    def update(self, param, grad, slots, step):
        held = vars(self).setdefault("held", {})
        v = held[param.shape] = 0.9 * held.get(param.shape, 0.0) + grad
        param -= step.lr * v


@define
class CountsOnClass(Optimizer):
    kind: ClassVar[str] = "counts_on_class"
    calls: ClassVar[list[int]] = []

    def update(self, param, grad, slots, step):
        self.calls.append(1)
        param -= step.lr / len(self.calls) * grad


@define
class Linear(Schedule):
    kind: ClassVar[str] = "linear"

    def at(self, t):
        return 0.1 / (1 + t)


@define
class CountsItself(Schedule):
    kind: ClassVar[str] = "counts_itself"

    def at(self, t):
        asked = vars(self).get("asked", 0) + 1
        object.__setattr__(self, "asked", asked)
        return 0.1 / asked


CHECKS = {
    "layers": "layer_goes_on_exactly",
    "optimizers": "optimizer_goes_on_exactly",
    "schedules": "schedule_goes_on_exactly",
}


@pytest.fixture
def case(own_catalog):
    """Return what gives the one case of this check for a kind."""
    del own_catalog

    def found(kind):
        mlpk.plugins.add(kind)
        (one,) = (case for case in cases("_local") if case.check.__name__ == CHECKS[kind.family])
        return one

    return found


@pytest.mark.parametrize("right", [InBuffer, Heavy, Linear], ids=lambda kind: kind.kind)
def test_what_is_right_passes(case, right):
    case(right).run()


@pytest.mark.parametrize(
    "fault",
    [OnLayer, InScratch, DrawsElsewhere, HeavyOnObject, CountsOnClass, CountsItself],
    ids=lambda kind: kind.kind,
)
def test_hidden_state_is_found(case, fault):
    CountsOnClass.calls.clear()
    with pytest.raises(AssertionError, match="outside parameters, buffers and slots"):
        case(fault).run()


def test_the_message_says_when_and_where_to_look(case):
    made = case(HeavyOnObject)
    assert str(made) == "_local:heavy_on_object-0-optimizer_goes_on_exactly"
    words = r"^dense/weight ends otherwise where training was stopped after step 3 and went on"
    with pytest.raises(AssertionError, match=words):
        made.run()


def test_every_kind_of_these_families_is_checked():
    checked = {(case.kind, case.check.__name__) for case in cases("mlpk")}
    for family, check in CHECKS.items():
        assert {(kind, check) for kind in getattr(mlpk, family)} <= checked
