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
    """Scales by a norm, which depends on how the vector is cut."""

    kind: ClassVar[str] = "norm_of_block"

    def update(self, param, grad, slots, step):
        param -= step.lr * grad / np.linalg.norm(grad)


@define
class Underflows(Optimizer):
    """Keeps numbers that only float64 has room for."""

    kind: ClassVar[str] = "underflows"
    slots: ClassVar[tuple[str, ...]] = ("tiny",)

    def update(self, param, grad, slots, step):
        slots["tiny"][...] = 1e-60 * grad
        param -= step.lr * 1e60 * slots["tiny"].astype(np.float64)


OPTIMIZERS = {
    Ascent: "descends",
    OverGradient: "gradient_is_left_alone",
    StateOnObject: "all_state_is_in_slots",
    StateOnClass: "all_state_is_in_slots",
    NormOfBlock: "blocks_do_not_matter",
    Underflows: "float32_stays_float32",
}


def test_what_is_right_passes(failed):
    assert failed(Descent) == set()


@pytest.mark.parametrize("fault", OPTIMIZERS, ids=lambda kind: kind.kind)
def test_a_faulty_optimizer_fails(failed, fault):
    StateOnClass.calls.clear()
    assert OPTIMIZERS[fault] in failed(fault)
