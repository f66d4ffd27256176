"""What every optimizer has to keep."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array
from mlpk.example import Example
from mlpk.optimizer import Optimizer, Step
from mlpk.testing.alarms import raised
from mlpk.testing.inapplicable import InapplicableError
from mlpk_schemas.records import values

__all__ = ["CHECKS"]

SHAPE = (4, 3)
# A number, a bias, a matrix, one flat and one of a single column, and a kernel.
SHAPES: tuple[tuple[int, ...], ...] = ((), (1,), (5,), (4, 3), (2, 9), (6, 1), (3, 3, 2, 4))


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
    assert np.array_equal(param, straight), "going on with copies ended elsewhere"


def blocks_do_not_matter(example: Example) -> None:
    """An elementwise rule gives the same, however the vector is cut."""
    optimizer = _optimizer(example)
    if not optimizer.elementwise:
        raise InapplicableError("the rule is not elementwise")
    whole, cut = _start("float64").ravel(), _start("float64").ravel()
    slots, cut_slots = ({name: np.zeros(12) for name in optimizer.slots} for _ in range(2))
    for t in range(1, 6):
        _update(optimizer, whole, whole - 1, slots, t)
        for piece in (slice(0, 1), slice(1, 6), slice(6, 12)):
            part = {name: slot[piece] for name, slot in cut_slots.items()}
            _update(optimizer, cut[piece], cut[piece] - 1, part, t)
    assert np.array_equal(whole, cut)
    for name, slot in slots.items():
        assert np.array_equal(slot, cut_slots[name]), f"the slot {name} differs"


def any_shape_is_updated_in_place(example: Example) -> None:
    """Parameters of each rank are written where they lie, and so are their slots, all finite."""
    optimizer = _optimizer(example)
    for shape in SHAPES:
        param = np.random.default_rng(0).standard_normal(shape)
        before, slots = param.copy(), {name: np.zeros(shape) for name in optimizer.slots}
        held = dict(slots)
        for t in range(1, 4):
            _update(optimizer, param, np.asarray(param - 1), slots, t)
        assert np.isfinite(param).all(), f"a parameter of shape {shape} became {param}"
        assert not np.array_equal(param, before), f"a parameter of shape {shape} stayed"
        assert slots.keys() == held.keys(), f"the slots became {sorted(slots)}"
        for name, slot in slots.items():
            assert slot is held[name], f"the slot {name} was replaced, not written"
            assert np.isfinite(slot).all(), f"the slot {name} of shape {shape} became {slot}"


def gradient_of_zero_is_harmless(example: Example) -> None:
    """Updates from gradients of zero, the first as well, divide by nothing and end finite."""
    optimizer = _optimizer(example)
    for dtype in ("float32", "float64"):
        param, slots = _start(dtype), _slots(optimizer, dtype)
        with raised():
            for t in range(1, 6):
                _update(optimizer, param, np.zeros_like(param), slots, t)
        assert np.isfinite(param).all(), f"the parameter in {dtype} became {param}"
        for name, slot in slots.items():
            assert np.isfinite(slot).all(), f"the slot {name} in {dtype} became {slot}"


def rate_of_zero_is_rest(example: Example) -> None:
    """A learning rate of zero, where a warm-up may start, leaves the parameter where it is."""
    optimizer = _optimizer(example)
    param, slots = _start("float64"), _slots(optimizer, "float64")
    for t in range(1, 4):
        step = Step(t)
        optimizer.update(param, np.ones(SHAPE), slots, step)
    assert np.array_equal(param, _start("float64"))


def scratch_is_only_scratch(example: Example) -> None:
    """Nothing is read from scratch memory that was not written before: it may be full of NaN."""
    optimizer = _optimizer(example)
    wanted, slots, kept = _start("float64"), *(_slots(optimizer, "float64") for _ in range(2))
    param, spoilt = _start("float64"), _Spoilt(1)
    for t in range(1, 4):
        _update(optimizer, wanted, wanted - 1, slots, t)
        spoilt.t, spoilt.lr = t, optimizer.rate(t - 1)
        optimizer.update(param, param - 1, kept, spoilt)
    assert np.array_equal(param, wanted)


CHECKS = (
    descends,
    gradient_is_left_alone,
    float32_stays_float32,
    all_state_is_in_slots,
    blocks_do_not_matter,
    any_shape_is_updated_in_place,
    gradient_of_zero_is_harmless,
    rate_of_zero_is_rest,
    scratch_is_only_scratch,
)


class _Spoilt(Step):
    """A step whose scratch memory is full of NaN each time it is asked for."""

    def scratch(self, name: str, like: Array) -> Array:
        memory = super().scratch(name, like)
        memory.fill(np.nan)
        return memory


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
