"""What every optimizer has to keep."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array
from mlpk.example import Example
from mlpk.optimizer import Optimizer, Step
from mlpk_schemas.records import values

__all__ = ["CHECKS"]

SHAPE = (4, 3)


def descends(example: Example) -> None:
    """On the bowl 0.5 * |p - 1|**2 the parameters come nearer to its bottom."""
    param = _run(_optimizer(example), 50, "float64")
    assert np.linalg.norm(param - 1) < np.linalg.norm(_start("float64") - 1)


def gradient_is_left_alone(example: Example) -> None:
    """`update` changes parameters and slots, not the gradient."""
    optimizer, grad = _optimizer(example), _start("float64")
    held = grad.copy()
    grad.flags.writeable = False
    _update(optimizer, _start("float64"), grad, _slots(optimizer, "float64"), 1)
    assert np.array_equal(grad, held)


def float32_stays_float32(example: Example) -> None:
    """Updates in float32 follow those in float64 as far as rounding lets them."""
    low, high = (_run(_optimizer(example), 5, dtype) for dtype in ("float32", "float64"))
    assert low.dtype == np.float32
    assert np.abs(low - high).max() < 1e-4  # noqa: PLR2004 - five updates of rounding errors


def all_state_is_in_slots(example: Example) -> None:
    """Going on with copies of parameters, slots and t is going on exactly."""
    optimizer = _optimizer(example)
    straight = _run(optimizer, 10, "float64")
    param, slots = _start("float64"), _slots(optimizer, "float64")
    for t in range(1, 11):
        _update(optimizer, param, param - 1, slots, t)
        param = param.copy()
        slots = {name: slot.copy() for name, slot in slots.items()}
        optimizer = type(optimizer)(**values(optimizer))
    assert np.array_equal(param, straight)


def blocks_do_not_matter(example: Example) -> None:
    """An elementwise rule gives the same, however the vector is cut."""
    optimizer = _optimizer(example)
    if not optimizer.elementwise:
        return
    whole, cut = _start("float64").ravel(), _start("float64").ravel()
    slots, cut_slots = ({name: np.zeros(12) for name in optimizer.slots} for _ in range(2))
    for t in range(1, 6):
        _update(optimizer, whole, whole - 1, slots, t)
        for piece in (slice(0, 5), slice(5, 12)):
            part = {name: slot[piece] for name, slot in cut_slots.items()}
            _update(optimizer, cut[piece], cut[piece] - 1, part, t)
    assert np.array_equal(whole, cut)


CHECKS = (
    descends,
    gradient_is_left_alone,
    float32_stays_float32,
    all_state_is_in_slots,
    blocks_do_not_matter,
)


def _optimizer(example: Example) -> Optimizer:
    assert isinstance(example.instance, Optimizer)
    return example.instance


def _start(dtype: str) -> Array:
    return np.random.default_rng(0).standard_normal(SHAPE).astype(dtype)


def _slots(optimizer: Optimizer, dtype: str) -> dict[str, Array]:
    return {name: np.zeros(SHAPE, dtype) for name in optimizer.slots}


def _update(
    optimizer: Optimizer, param: Array, grad: Array, slots: dict[str, Array], t: int
) -> None:
    step = Step(t)
    step.lr = optimizer.rate(t - 1)
    optimizer.update(param, grad, slots, step)


def _run(optimizer: Optimizer, steps: int, dtype: str) -> Array:
    param, slots = _start(dtype), _slots(optimizer, dtype)
    for t in range(1, steps + 1):
        _update(optimizer, param, param - 1, slots, t)
    return param
