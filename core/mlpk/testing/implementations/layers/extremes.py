"""What tells implementations of a layer apart that agree on ordinary numbers."""

from __future__ import annotations

from itertools import product

import numpy as np

from mlpk.arrays import Array
from mlpk.errors import DataError
from mlpk.example import Example
from mlpk.testing.bench import Bench
from mlpk.testing.implementations.layers.benches import (
    MODES,
    assert_both_ways,
    benches,
    real_inputs,
    whole_inputs,
)
from mlpk.testing.implemented import WHOLE, Implemented, plainly

__all__ = ["CHECKS"]

# Where slopes jump and the largest are several: at 0, of either sign, and at round numbers.
KINKS = {"zeros": (0.0,), "round numbers": (0.0, 1.0, -1.0, -0.0, 3.0, -3.0, 2.0, 0.5, -2.5, 1.0)}
PLACES = {
    "the first value": slice(1),
    "the last value": slice(-1, None),
    "each value": slice(None),
}
# Of an index, the first that is refused lies but a little outside.
BEYOND = (-1, *(2**power for power in range(16)))


def kinks_agree(case: Implemented) -> None:
    """On zeros and round numbers, where slopes jump and maxima are several, both ways are plain."""
    plain, fast = benches(case)
    for called, values in KINKS.items():
        for bench in (plain, fast):
            for place, name in enumerate(real_inputs(bench)):
                # Inputs that are turned against each other meet in some values, not in all.
                numbers = np.roll(np.array(values, case.dtype), place)
                bench.inputs[name] = np.resize(numbers, bench.inputs[name].shape)
        assert_both_ways(case, plain, fast, f"of {called}, where slopes jump")


def what_is_not_finite_shows(case: Implemented) -> None:
    """NaN or infinity among the inputs shows in the rows where the plain one lets it, and nowhere else."""
    plain, fast = benches(case)
    given, real = dict(plain.inputs), real_inputs(plain)
    # In all of them, and in one alone: NaN beside NaN shows even where NaN beside a number is lost.
    spoilt = [real, *([name] for name in real if len(real) > 1)]
    # Evaluation first, before training has put NaN into the buffers.
    for training, value, place, names in product(
        (False, True), (np.nan, np.inf, -np.inf), PLACES, spoilt
    ):
        for bench in (plain, fast):
            bench.inputs = {name: array.copy() for name, array in given.items()}
            for name in names:
                bench.inputs[name][:1].reshape(-1)[PLACES[place]] = value
        with np.errstate(all="ignore"):
            with plainly():
                wanted = plain.both_ways(training=training)
            with case.faster():
                found = fast.both_ways(training=training)
        rows = {*plain.names, *(f"d{name}" for name in given)} & wanted.keys()
        where = f"where {place} of row 0 is {value} in {', '.join(names)}, {MODES[training]}"
        case.assert_rows_agree({name: found[name] for name in rows}, wanted, where)


def whole_numbers_of_any_type_agree(case: Implemented) -> None:
    """Inputs of whole numbers may be uint8, int32 or int64."""
    bench = benches(case)[0]
    drawn = [bench.inputs[name] for name in whole_inputs(bench)]
    for dtype in WHOLE:
        held = np.iinfo(dtype)
        if any(each.min() < held.min or each.max() > held.max for each in drawn):
            continue  # a kind may mean something by -1, or by numbers beyond a byte
        typed = _typed(case.example, dtype)
        plain, fast = Bench(typed, case.dtype), Bench(typed, case.dtype)
        assert_both_ways(case, plain, fast, f"of inputs of {dtype}")


def numbers_out_of_range_are_refused(case: Implemented) -> None:
    """Whole numbers that the plain one refuses are refused with a `DataError`, and not looked up."""
    plain, fast = benches(case)
    for name in whole_inputs(plain):
        held = plain.inputs[name]
        for value in BEYOND:
            plain.inputs[name] = fast.inputs[name] = _with_last(held, value)
            try:
                with plainly():
                    wanted = plain.forward(training=False)
            except DataError as error:
                _assert_refused(case, fast, f"{value} in {name}", str(error))
                if value > 0:
                    break  # what lies further outside might be no memory of this process
            else:
                with case.faster():
                    found = fast.forward(training=False)
                case.assert_agree(found, wanted, f"of an input with {value}")
        plain.inputs[name] = fast.inputs[name] = held


CHECKS = (
    kinks_agree,
    what_is_not_finite_shows,
    whole_numbers_of_any_type_agree,
    numbers_out_of_range_are_refused,
)


def _assert_refused(case: Implemented, fast: Bench, what: str, why: str) -> None:
    with case.faster():
        try:
            fast.forward(training=False)
        except DataError:
            return
    raise AssertionError(
        f"{what} was computed with, where the plain one refuses it ({why}): call the layer's "
        "`check` first, or what is compiled reads memory that is not the array's"
    )


def _with_last(array: Array, value: int) -> Array:
    """Return a copy of an array that ends in this value, in a dtype that holds it."""
    copy = array.astype(np.int64)
    copy.reshape(-1)[-1] = value
    return copy


def _typed(example: Example, dtype: str) -> Example:
    """Return an example that draws its whole numbers in a dtype."""

    def draw(rng: np.random.Generator, n: int) -> tuple[Array, ...]:
        arrays = (np.asarray(drawn) for drawn in example.inputs(rng, n))
        return tuple(each.astype(dtype) if each.dtype.kind in "iu" else each for each in arrays)

    return Example(example.instance, *example.input_shapes, draw=draw, linear=example.linear)
