"""What every loss has to keep."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array
from mlpk.context import Context
from mlpk.example import Example
from mlpk.loss import Loss
from mlpk.testing.differences import assert_close, by_differences

__all__ = ["CHECKS"]

ROWS = 4


def gradient_agrees_with_differences(example: Example) -> None:
    """The gradient by the prediction, with weights and without, in float64."""
    loss, prediction, target = _drawn(example)
    for weight in (None, np.array([0.5, 2.0, 0.0, 1.0])):
        ctx = Context("float64", spoil=True)
        value, saved = loss.forward(ctx, prediction, target, weight)
        assert isinstance(value, float), f"the loss came out as {type(value).__name__}"
        found = loss.backward(ctx, saved).copy()

        def again(weight: Array | None = weight) -> float:
            return loss.forward(Context("float64"), prediction, target, weight)[0]

        assert_close(found, by_differences(again, prediction), f"gradient with weight {weight}")


def zero_weight_is_absence(example: Example) -> None:
    """A row of weight zero counts no more than one that is not there."""
    loss, prediction, target = _drawn(example)
    without, _ = loss.forward(Context("float64"), prediction[:-1], target[:-1])
    weight = np.array([1.0] * (ROWS - 1) + [0.0])
    within, _ = loss.forward(Context("float64"), prediction, target, weight)
    assert abs(within - without) <= 1e-12 * max(1.0, abs(without)), f"{within}, not {without}"


def mass_joins_batches(example: Example) -> None:
    """The loss of two batches, weighed with their mass, is that of both together."""
    loss, prediction, target = _drawn(example)
    for weight in (None, np.array([0.5, 2.0, 0.25, 1.0])):
        whole, _ = loss.forward(Context("float64"), prediction, target, weight)
        total, mass = 0.0, 0.0
        for rows in (slice(0, 1), slice(1, ROWS)):
            part = None if weight is None else weight[rows]
            value, _ = loss.forward(Context("float64"), prediction[rows], target[rows], part)
            its = loss.mass(Context("float64"), prediction[rows].shape, target[rows], part)
            total += value * its
            mass += its
        assert abs(total / mass - whole) <= 1e-12 * max(1.0, abs(whole)), f"weight {weight}"


def inputs_are_left_alone(example: Example) -> None:
    """Neither prediction nor target is changed."""
    loss, prediction, target = _drawn(example)
    held = prediction.copy(), target.copy()
    prediction.flags.writeable = target.flags.writeable = False
    ctx = Context("float64", spoil=True)
    loss.backward(ctx, loss.forward(ctx, prediction, target)[1])
    assert np.array_equal(prediction, held[0])
    assert np.array_equal(target, held[1])


def float32_stays_float32(example: Example) -> None:
    """The gradient of a float32 prediction is float32."""
    loss, prediction, target = _drawn(example)
    ctx = Context("float32", spoil=True)
    if target.dtype.kind == "f":
        target = target.astype(np.float32)
    _, saved = loss.forward(ctx, prediction.astype(np.float32), target)
    assert loss.backward(ctx, saved).dtype == np.float32


CHECKS = (
    gradient_agrees_with_differences,
    zero_weight_is_absence,
    mass_joins_batches,
    inputs_are_left_alone,
    float32_stays_float32,
)


def _drawn(example: Example) -> tuple[Loss, Array, Array]:
    assert isinstance(example.instance, Loss)
    prediction, target = example.inputs(np.random.default_rng(0), ROWS)
    return example.instance, np.array(prediction, np.float64), np.array(target)
