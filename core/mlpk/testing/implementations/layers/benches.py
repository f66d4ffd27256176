"""Two networks of one layer that are alike: one to compute plainly, one to compute faster."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mlpk.arrays import Array
from mlpk.testing.bench import Bench
from mlpk.testing.implemented import Implemented, plainly
from mlpk.testing.inapplicable import InapplicableError

__all__ = ["MODES", "assert_both_ways", "benches", "real_inputs", "whole_inputs"]

MODES = {True: "in training", False: "in evaluation"}


def benches(case: Implemented) -> tuple[Bench, Bench]:
    """Return two networks that are alike, for the plain and for the faster one."""
    case.require(*case.example.input_shapes)
    return Bench(case.example, case.dtype), Bench(case.example, case.dtype)


def real_inputs(bench: Bench) -> list[str]:
    """Return the names of the inputs that hold real numbers."""
    real = [name for name in bench.inputs if bench.is_real(name)]
    if not real:
        raise InapplicableError("no input holds real numbers")
    return real


def whole_inputs(bench: Bench) -> list[str]:
    """Return the names of the inputs that hold whole numbers."""
    whole = [name for name, array in bench.inputs.items() if array.dtype.kind in "iu"]
    if not whole:
        raise InapplicableError("no input holds whole numbers")
    return whole


def assert_both_ways(
    case: Implemented,
    plain: Bench,
    fast: Bench,
    where: str,
    *,
    many: int = 1,
) -> None:
    """Assert that outputs and all gradients are the plain ones, each gradient written whole.

    They are in training, and in evaluation after it.
    """
    for training, mode in MODES.items():
        for grad in fast.model.grads.values():
            grad.fill(np.nan)
        with plainly():
            wanted: Mapping[str, Array] = plain.both_ways(training=training)
        with case.faster():
            found = fast.both_ways(training=training)
        case.assert_agree(found, wanted, f"{where}, {mode}", many=many)
