"""The checks of optimizers: what is right passes, and each planted fault fails the one made for it."""

from typing import ClassVar

import numpy as np
import pytest

from mlpk import Optimizer, define


@define
class Descent(Optimizer):
    kind: ClassVar[str] = "descent"

    def update(self, param, grad, slots, step):
        param -= np.multiply(grad, step.lr, out=step.scratch("step", param))


@define
class Ascent(Optimizer):
    kind: ClassVar[str] = "ascent"

    def update(self, param, grad, slots, step):
        param += step.lr * grad


@define
class OverGradient(Optimizer):
    kind: ClassVar[str] = "over_gradient"

    def update(self, param, grad, slots, step):
        grad *= step.lr
        param -= grad


@define
class StateOnObject(Optimizer):
    kind: ClassVar[str] = "state_on_object"

    def update(self, param, grad, slots, step):
        v = vars(self).get("v", np.zeros_like(param)) * 0.9 + grad
        object.__setattr__(self, "v", v)
        param -= step.lr * v


@define
class StateOnClass(Optimizer):
    kind: ClassVar[str] = "state_on_class"

    calls: ClassVar[list[int]] = []

    def update(self, param, grad, slots, step):
        self.calls.append(1)
        param -= step.lr / len(self.calls) * grad


@define
class NormOfBlock(Optimizer):
    """Divides by a norm, which may be zero."""

    kind: ClassVar[str] = "norm_of_block"

    def update(self, param, grad, slots, step):
        param -= step.lr * grad / np.linalg.norm(grad)


@define
class SpreadOfBlock(Optimizer):
    """Moves by what depends on the block, and divides by nothing."""

    kind: ClassVar[str] = "spread_of_block"

    def update(self, param, grad, slots, step):
        param -= step.lr * grad * (1 + grad.max())


@define
class Underflows(Optimizer):
    """Keeps numbers that only float64 has room for."""

    kind: ClassVar[str] = "underflows"
    slots: ClassVar[tuple[str, ...]] = ("tiny",)

    def update(self, param, grad, slots, step):
        slots["tiny"][...] = 1e-60 * grad
        param -= step.lr * 1e60 * slots["tiny"].astype(np.float64)


@define
class MatricesOnly(Optimizer):
    """Leaves out what is no matrix."""

    kind: ClassVar[str] = "matrices_only"
    elementwise: ClassVar[bool] = False

    def update(self, param, grad, slots, step):
        if param.ndim == 2:
            param -= step.lr * grad


@define
class NewSlots(Optimizer):
    """Puts another array in the place of its slot."""

    kind: ClassVar[str] = "new_slots"
    slots: ClassVar[tuple[str, ...]] = ("v",)

    def update(self, param, grad, slots, step):
        slots["v"] = 0.9 * slots["v"] + grad
        param -= step.lr * slots["v"]


@define
class OwnRate(Optimizer):
    """Takes the field for the rate, and nothing of schedules and factors."""

    kind: ClassVar[str] = "own_rate"

    def update(self, param, grad, slots, step):
        param -= self.lr * grad


@define
class ReadsScratch(Optimizer):
    """Takes scratch memory for a slot."""

    kind: ClassVar[str] = "reads_scratch"

    def update(self, param, grad, slots, step):
        v = step.scratch("v", param)
        v *= 0.0 if step.t == 1 else 0.9
        v += grad
        param -= step.lr * v


OPTIMIZERS = {
    MatricesOnly: "any_shape_is_updated_in_place",
    NewSlots: "any_shape_is_updated_in_place",
    NormOfBlock: "gradient_of_zero_is_harmless",
    OwnRate: "rate_of_zero_is_rest",
    ReadsScratch: "scratch_is_only_scratch",
    Ascent: "descends",
    OverGradient: "gradient_is_left_alone",
    StateOnObject: "all_state_is_in_slots",
    StateOnClass: "all_state_is_in_slots",
    SpreadOfBlock: "blocks_do_not_matter",
    Underflows: "float32_stays_float32",
}


def test_what_is_right_passes(failed):
    assert failed(Descent) == set()


@pytest.mark.parametrize("fault", OPTIMIZERS, ids=lambda kind: kind.kind)
def test_a_faulty_optimizer_fails(failed, fault):
    StateOnClass.calls.clear()
    assert OPTIMIZERS[fault] in failed(fault)
