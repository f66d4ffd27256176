"""What every regularizer has to keep."""

from __future__ import annotations

import numpy as np

from mlpk.example import Example
from mlpk.regularizer import Regularizer
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


CHECKS = (gradient_agrees_with_differences, float32_stays_float32)


def _regularizer(example: Example) -> Regularizer:
    assert isinstance(example.instance, Regularizer)
    return example.instance
