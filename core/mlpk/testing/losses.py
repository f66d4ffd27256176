"""What every loss has to keep."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array
from mlpk.context import Context
from mlpk.example import Example
from mlpk.loss import Loss
from mlpk.testing.alarms import raised
from mlpk.testing.differences import assert_close, by_differences
from mlpk.testing.layouts import LAYOUTS
from mlpk.testing.pairs import pair

__all__ = ["CHECKS"]

ROWS = 4
WEIGHT = (0.5, 2.0, 0.25, 1.0)
# Of a few dozen operations in float32.
ROUNDING = 1e-5


def gradient_agrees_with_differences(example: Example) -> None:
    """The gradient by the prediction is that of central differences, with weights and without."""
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
    for weight in (None, np.array(WEIGHT)):
        whole, _ = loss.forward(Context("float64"), prediction, target, weight)
        total, mass = 0.0, 0.0
        for rows in (slice(0, 1), slice(1, ROWS)):
            part = None if weight is None else weight[rows]
            value, _ = loss.forward(Context("float64"), prediction[rows], target[rows], part)
            its = loss.mass(Context("float64"), prediction[rows].shape, target[rows], part)
            total += value * its
            mass += its
        assert abs(total / mass - whole) <= 1e-12 * max(1.0, abs(whole)), f"weight {weight}"


def size_of_weights_does_not_matter(example: Example) -> None:
    """Weights three times as large give the same mean and the same gradient."""
    loss, prediction, target = _drawn(example)
    weight = np.array(WEIGHT)
    wanted, wanted_grad = _both_ways(loss, prediction, target, weight)
    value, grad = _both_ways(loss, prediction, target, 3 * weight)
    assert abs(value - wanted) <= 1e-12 * max(1.0, abs(wanted)), f"{value}, not {wanted}"
    assert_close(grad, wanted_grad, "gradient of larger weights", 1e-12)


def inputs_are_left_alone(example: Example) -> None:
    """None of prediction, target and weight is changed."""
    loss, prediction, target = _drawn(example)
    given = prediction, target, np.array(WEIGHT)
    held = [array.copy() for array in given]
    for array in given:
        array.flags.writeable = False
    _both_ways(loss, *given)
    for array, before, what in zip(given, held, ("prediction", "target", "weight"), strict=True):
        assert np.array_equal(array, before), f"the {what} was changed"


def place_in_memory_does_not_matter(example: Example) -> None:
    """Predictions, targets and weights may lie scattered, backwards or turned, and be read-only."""
    loss, prediction, target = _drawn(example)
    given = prediction, target, np.array(WEIGHT)
    wanted, wanted_grad = _both_ways(loss, *given)
    for lie, laid in LAYOUTS.items():
        value, grad = _both_ways(loss, *(laid(array) for array in given))
        assert abs(value - wanted) <= 1e-12 * max(1.0, abs(wanted)), f"of {lie} arrays: {value}"
        assert_close(grad, wanted_grad, f"gradient of {lie} arrays", 1e-12)


def sizes_may_change(example: Example) -> None:
    """One context takes batches of other sizes in turn, and gives the same bits as a fresh one."""
    loss, prediction, target = _drawn(example)
    ctx = Context("float64", spoil=True)
    for rows in (ROWS, 1, ROWS, 2, ROWS):
        wanted, wanted_grad = _both_ways(loss, prediction[:rows], target[:rows])
        value, saved = loss.forward(ctx, prediction[:rows], target[:rows])
        grad = loss.backward(ctx, saved)
        assert grad.shape == prediction[:rows].shape, f"of {rows} rows: {grad.shape}"
        assert value == wanted, f"of {rows} rows: {value}, not {wanted}"
        assert np.array_equal(grad, wanted_grad), f"the gradient of {rows} rows differs"


def two_contexts_take_turns(example: Example) -> None:
    """What one context keeps survives a forward of another."""
    loss, prediction, target = _drawn(example)
    first, second = Context("float64", spoil=True), Context("float64", spoil=True)
    _, wanted = _both_ways(loss, prediction, target)
    _, saved = loss.forward(first, prediction, target)
    loss.forward(second, 0.5 * prediction, target)
    assert np.array_equal(loss.backward(first, saved), wanted)


def float32_stays_float32(example: Example) -> None:
    """The gradient of a float32 prediction is float32, the loss a Python float, near float64's."""
    loss, prediction, target = _drawn(example)
    low = target.astype(np.float32) if target.dtype.kind == "f" else target
    for weight in (None, np.array(WEIGHT)):
        ctx = Context("float32", spoil=True)
        light = None if weight is None else weight.astype(np.float32)
        value, saved = loss.forward(ctx, prediction.astype(np.float32), low, light)
        grad = loss.backward(ctx, saved)
        assert grad.dtype == np.float32, f"the gradient came out as {grad.dtype}"
        assert isinstance(value, float), f"the loss came out as {type(value).__name__}"
        wanted, wanted_grad = _both_ways(loss, prediction, target, weight)
        assert abs(value - wanted) <= ROUNDING * max(1.0, abs(wanted)), f"{value}, not {wanted}"
        assert_close(grad.astype(np.float64), wanted_grad, "gradient in float32", ROUNDING)


def ordinary_values_raise_no_alarm(example: Example) -> None:
    """The example's arrays overflow nowhere, divide nothing by zero and bring no warning."""
    loss, prediction, target = _drawn(example)
    for dtype in ("float32", "float64"):
        for weight in (None, np.array(WEIGHT, dtype)):
            ctx = Context(dtype, spoil=True)
            with raised():
                value, saved = loss.forward(ctx, prediction.astype(dtype), target, weight)
                grad = loss.backward(ctx, saved)
            assert np.isfinite(value), f"in {dtype}: {value}"
            assert np.isfinite(grad).all(), f"the gradient in {dtype} is not finite"


CHECKS = (
    gradient_agrees_with_differences,
    zero_weight_is_absence,
    mass_joins_batches,
    size_of_weights_does_not_matter,
    inputs_are_left_alone,
    place_in_memory_does_not_matter,
    sizes_may_change,
    two_contexts_take_turns,
    float32_stays_float32,
    ordinary_values_raise_no_alarm,
)


def _both_ways(
    loss: Loss, prediction: Array, target: Array, weight: Array | None = None
) -> tuple[float, Array]:
    ctx = Context("float64", spoil=True)
    value, saved = loss.forward(ctx, prediction, target, weight)
    return value, loss.backward(ctx, saved).copy()


def _drawn(example: Example) -> tuple[Loss, Array, Array]:
    assert isinstance(example.instance, Loss)
    prediction, target = pair(example, ROWS)
    return example.instance, np.array(prediction, np.float64), np.array(target)
