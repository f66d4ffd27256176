"""What an implementation of an optimizer has to keep."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from mlpk.arrays import Array
from mlpk.choice import method
from mlpk.optimizer import Optimizer, Step
from mlpk.testing.implemented import MANY, Implemented
from mlpk.testing.memory import assert_steady
from mlpk.testing.process import left_alone
from mlpk.testing.threads import THREADS, together
from mlpk_schemas.records import values

__all__ = ["CHECKS"]

STEPS = 12
# Step by step as far as corrections of the first steps reach, and then where they are over.
LATE = (*range(1, 41), 100, 101, 1000, 10**4, 10**6)
SHAPES: tuple[tuple[int, ...], ...] = ((), (1,), (5,), (4, 3), (6, 1), (3, 3, 2, 4))
# One element, a few, more than a block of core's, and enough to be cut among threads.
LENGTHS = (1, 7, 1000, 20_011, 300_007)
GUARD = 64
# Of the rate, as callbacks and the factors of nodes change it.
FACTORS = (1.0, 0.5, 2.0)


def steps_agree(case: Implemented) -> None:
    """Parameters and slots are the plain ones, at rates that change, with weight decay and without."""
    for shape in _shapes(case, SHAPES):
        for decays in (True, False):
            plain, fast = (_Run(case, shape, decays=decays, plain=plain) for plain in (True, False))
            for t in range(1, STEPS + 1):
                plain.step(t)
                fast.step(t)
                where = f"of shape {shape}, step {t}, decays={decays}"
                case.assert_agree(fast.arrays, plain.arrays, where)


def late_steps_agree(case: Implemented) -> None:
    """Long after the first steps, where corrections for these are over, all is the plain one's still."""
    for shape in _shapes(case, [(4, 3)]):
        plain, fast = (_Run(case, shape, plain=plain) for plain in (True, False))
        for t in LATE:
            plain.step(t)
            fast.step(t)
            case.assert_agree(fast.arrays, plain.arrays, f"in step {t}", many=MANY)


def gradients_of_zero_agree(case: Implemented) -> None:
    """Gradients of zero, of either sign, first of all elements and then of some, are followed."""
    for shape in _shapes(case, [(4, 3)]):
        plain, fast = (_Run(case, shape, plain=plain) for plain in (True, False))
        for t in range(1, STEPS + 1):
            grad = plain.drawn(t)
            grad.flat[:: 1 if t < STEPS // 2 else 3] = 0.0 if t % 2 else -0.0
            plain.step(t, grad)
            fast.step(t, grad)
            case.assert_agree(fast.arrays, plain.arrays, f"of zeros, step {t}")


def any_length_agrees(case: Implemented) -> None:
    """Long vectors and short ones, in turn, are updated as by the plain one."""
    for shape in _shapes(case, [(length,) for length in LENGTHS]):
        plain, fast = (_Run(case, shape, plain=plain) for plain in (True, False))
        for t in range(1, 4):
            plain.step(t)
            fast.step(t)
        case.assert_agree(fast.arrays, plain.arrays, f"of shape {shape}")


def what_lies_around_is_left_alone(case: Implemented) -> None:
    """Of a long vector only the part at hand is written: parameters and slots of others stay."""
    for shape in _shapes(case, [(length,) for length in LENGTHS]):
        run = _Run(case, shape)
        for t in range(1, 4):
            run.step(t)
        for name, vector in run.vectors.items():
            around = np.concatenate([vector[:GUARD], vector[-GUARD:]])
            assert (around == run.around).all(), f"what lies around {name} was changed"


def gradient_is_left_alone(case: Implemented) -> None:
    """The gradient is read, not changed; it may be read-only."""
    for shape in _shapes(case, SHAPES):
        run = _Run(case, shape)
        grad = run.drawn(1)
        held = grad.copy()
        grad.flags.writeable = False
        run.step(1, grad)
        assert np.array_equal(grad, held), f"the gradient of shape {shape} was changed"


def all_state_is_in_slots(case: Implemented) -> None:
    """Going on with copies of parameters and slots, in another object, is going on exactly."""
    for shape in _shapes(case, [(1000,)]):
        straight, stopped = _Run(case, shape), _Run(case, shape)
        for t in range(1, STEPS + 1):
            straight.step(t)
            stopped.step(t)
            stopped = stopped.copied()
        for name, array in stopped.arrays.items():
            same = np.array_equal(array, straight.arrays[name])
            assert same, f"going on with copies, {name} ended elsewhere"


def threads_do_not_meet(case: Implemented) -> None:
    """Several threads at once, each with a parameter of its own, end where the plain one does."""
    for shape in _shapes(case, [(20_011,)]):
        plain, *fast = (_Run(case, shape, plain=place == 0) for place in range(1 + THREADS))
        for t in range(1, 4):
            plain.step(t)
            together([partial(each.step, t) for each in fast])
        for each in fast:
            case.assert_agree(each.arrays, plain.arrays, "in one of several threads")


def nothing_is_kept_on_the_optimizer(case: Implemented) -> None:
    """The optimizer is as it was: what has to be remembered lies in slots and `step.scratch`."""
    optimizer = case.example.instance
    before = dict(vars(optimizer))
    for shape in _shapes(case, SHAPES):
        _Run(case, shape).step(1)
    assert vars(optimizer) == before, f"{sorted(vars(optimizer).keys() - before.keys())} is new"


def process_is_left_alone(case: Implemented) -> None:
    """NumPy's alarms and the threads of BLAS are afterwards what they were before."""
    for shape in _shapes(case, SHAPES):
        run = _Run(case, shape)
        with left_alone():
            run.step(1)


def scratch_is_only_scratch(case: Implemented) -> None:
    """Nothing is read from scratch memory that was not written before: it may be full of NaN."""
    for shape in _shapes(case, SHAPES):
        wanted, spoilt = _Run(case, shape), _Run(case, shape, spoil=True)
        for t in range(1, 4):
            wanted.step(t)
            spoilt.step(t)
        for name, array in spoilt.arrays.items():
            assert np.array_equal(array, wanted.arrays[name]), f"{name} differs"


def memory_stays_steady(case: Implemented) -> None:
    """After two steps, none takes memory that grows with the parameters beside `step.scratch`."""
    size = 2**16

    def prepared(length: int) -> Callable[[], None]:
        (shape,) = _shapes(case, [(length,)])
        run = _Run(case, shape)
        grad = run.drawn(1)
        return lambda: run.step(1, grad)

    width = np.dtype(case.dtype).itemsize
    assert_steady(prepared(size), prepared(3 * size), 2 * size, width, beside=0)


def what_is_not_finite_shows(case: Implemented) -> None:
    """A gradient of NaN or infinity leaves parameters that are not finite where the plain one does."""
    for shape in _shapes(case, [(1000,)]):
        plain, fast = (_Run(case, shape, plain=plain) for plain in (True, False))
        grad = plain.drawn(1)
        grad.flat[[3, 500, 999]] = np.nan, np.inf, -np.inf
        with np.errstate(all="ignore"):
            plain.step(1, grad)
            fast.step(1, grad)
        for name, array in fast.arrays.items():
            same = np.isfinite(array) == np.isfinite(plain.arrays[name])
            assert same.all(), f"{name} is finite where it should not be, or the other way about"


CHECKS = (
    steps_agree,
    late_steps_agree,
    gradients_of_zero_agree,
    any_length_agrees,
    what_lies_around_is_left_alone,
    gradient_is_left_alone,
    all_state_is_in_slots,
    threads_do_not_meet,
    nothing_is_kept_on_the_optimizer,
    process_is_left_alone,
    scratch_is_only_scratch,
    memory_stays_steady,
    what_is_not_finite_shows,
)


class _Run:
    """A parameter and its slots, inside of longer vectors, and the steps that they go."""

    around = 3.0

    def __init__(
        self,
        case: Implemented,
        shape: tuple[int, ...],
        *,
        decays: bool = True,
        plain: bool = False,
        spoil: bool = False,
    ) -> None:
        assert isinstance(case.example.instance, Optimizer)
        self.optimizer = case.example.instance
        self._given: dict[str, Any] = {"decays": decays, "plain": plain, "spoil": spoil}
        self._case = case
        self._step = _Spoilt(0) if spoil else Step(0)
        self._step.decays = decays
        self.shape = shape
        self.update = method(self.optimizer, None if plain else case.item, "update")
        size = int(np.prod(shape, dtype=int))
        self.vectors = {
            name: np.full(size + 2 * GUARD, self.around, case.dtype)
            for name in ("the parameter", *self.optimizer.slots)
        }
        self.arrays = {
            name: vector[GUARD : GUARD + size].reshape(shape)
            for name, vector in self.vectors.items()
        }
        for name, array in self.arrays.items():
            array[...] = self.drawn(0) if name == "the parameter" else 0

    def drawn(self, seed: int) -> Array:
        return np.random.default_rng(seed).standard_normal(self.shape).astype(self._case.dtype)

    def step(self, t: int, grad: Array | None = None) -> None:
        step = self._step
        step.t, step.lr = t, float(self.optimizer.rate(t - 1)) * FACTORS[t % len(FACTORS)]
        slots = {name: self.arrays[name] for name in self.optimizer.slots}
        given = np.asarray(self.drawn(t) if grad is None else grad)
        self.update(self.arrays["the parameter"], given, slots, step)

    def copied(self) -> _Run:
        """Return a run of another object that stands where this one does."""
        made = _Run(self._case, self.shape, **self._given)
        made.optimizer = type(self.optimizer)(**values(self.optimizer))
        made.update = method(made.optimizer, self._case.item, "update")
        for name, array in made.arrays.items():
            array[...] = self.arrays[name]
        return made


class _Spoilt(Step):
    """A step whose scratch memory is full of NaN each time it is asked for."""

    def scratch(self, name: str, like: Array) -> Array:
        memory = super().scratch(name, like)
        memory.fill(np.nan)
        return memory


def _shapes(
    case: Implemented, shapes: tuple[tuple[int, ...], ...] | list[tuple[int, ...]]
) -> list[tuple[int, ...]]:
    """Return shapes as core hands them over: runs of vectors to a rule that is elementwise."""
    case.require()
    optimizer = case.example.instance
    assert isinstance(optimizer, Optimizer)
    if not optimizer.elementwise:
        return list(shapes)
    return [(max(1, int(np.prod(shape, dtype=int))),) for shape in shapes]
