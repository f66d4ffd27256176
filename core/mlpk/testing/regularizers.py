"""What every regularizer has to keep."""

from __future__ import annotations

import numpy as np

from mlpk.example import Example
from mlpk.regularizer import Regularizer
from mlpk.testing.alarms import raised
from mlpk.testing.differences import assert_close, by_differences

__all__ = ["CHECKS"]


def gradient_agrees_with_differences(example: Example) -> None:
    """The gradient is added, and is that of the penalty."""
    regularizer = _regularizer(example)
    param = np.random.default_rng(0).standard_normal((3, 4))
    grad = np.ones((3, 4))
    regularizer.add_gradient(param, grad)
    wanted = 1 + by_differences(lambda: regularizer.penalty(param), param)
    assert_close(grad, wanted, "gradient of the penalty")


def float32_stays_float32(example: Example) -> None:
    """The penalty is a Python float, and gradients keep their dtype."""
    regularizer = _regularizer(example)
    param, grad = np.ones((3, 4), np.float32), np.zeros((3, 4), np.float32)
    assert isinstance(regularizer.penalty(param), float)
    regularizer.add_gradient(param, grad)
    assert grad.dtype == np.float32


def parameters_are_left_alone(example: Example) -> None:
    """Neither penalty nor gradient changes the parameter; it may have any rank and be read-only."""
    regularizer = _regularizer(example)
    for shape in ((), (5,), (3, 4), (3, 3, 2, 4)):
        param, grad = np.full(shape, -0.5), np.zeros(shape)
        param.flags.writeable = False
        assert regularizer.penalty(param) >= 0
        regularizer.add_gradient(param, grad)
        assert (param == -0.5).all()  # noqa: PLR2004 - as it was made
        assert np.isfinite(grad).all(), f"the gradient of shape {shape} is {grad}"


def parameter_of_zero_is_harmless(example: Example) -> None:
    """Where a parameter is zero the penalty and its gradient are finite, without an alarm."""
    regularizer = _regularizer(example)
    param, grad = np.zeros((3, 4), np.float32), np.zeros((3, 4), np.float32)
    with raised():
        penalty = regularizer.penalty(param)
        regularizer.add_gradient(param, grad)
    assert np.isfinite(penalty), f"the penalty is {penalty}"
    assert np.isfinite(grad).all(), f"the gradient is {grad}"


CHECKS = (
    gradient_agrees_with_differences,
    float32_stays_float32,
    parameters_are_left_alone,
    parameter_of_zero_is_harmless,
)


def _regularizer(example: Example) -> Regularizer:
    assert isinstance(example.instance, Regularizer)
    return example.instance
