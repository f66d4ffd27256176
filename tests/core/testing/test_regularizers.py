"""The checks of regularizers: what is right passes, and each planted fault fails the one made for it."""

from typing import ClassVar

import numpy as np
import pytest
from attrs import field

from mlpk import Regularizer, define


@define
class Ridge(Regularizer):
    kind: ClassVar[str] = "ridge"

    strength: float = field(default=0.5)

    def penalty(self, param):
        return self.strength * float((param * param).sum())

    def add_gradient(self, param, grad):
        grad += 2 * self.strength * param


@define
class Overwrites(Regularizer):
    kind: ClassVar[str] = "overwrites"

    def penalty(self, param):
        return 0.5 * float((param * param).sum())

    def add_gradient(self, param, grad):
        grad[...] = param


@define
class NumpyPenalty(Regularizer):
    kind: ClassVar[str] = "numpy_penalty"

    def penalty(self, param):
        return 0.5 * (param * param).sum()

    def add_gradient(self, param, grad):
        grad += param


@define
class InPlace(Regularizer):
    """Takes the parameter's own memory for its squares."""

    kind: ClassVar[str] = "in_place"

    def penalty(self, param):
        param *= param
        return 0.5 * float(param.sum())

    def add_gradient(self, param, grad):
        grad += param


@define
class Length(Regularizer):
    """The norm itself, which has no gradient at zero."""

    kind: ClassVar[str] = "length"

    def penalty(self, param):
        return float(np.sqrt((param * param).sum()))

    def add_gradient(self, param, grad):
        grad += param / np.sqrt((param * param).sum())


FAULTS = {
    InPlace: "parameters_are_left_alone",
    Length: "parameter_of_zero_is_harmless",
    Overwrites: "gradient_agrees_with_differences",
    NumpyPenalty: "float32_stays_float32",
}


def test_what_is_right_passes(failed):
    assert failed(Ridge) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda kind: kind.kind)
def test_a_faulty_regularizer_fails(failed, fault):
    assert FAULTS[fault] in failed(fault)
