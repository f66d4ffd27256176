"""What a layer has to keep for shapes: any rank, unknown lengths, few rows."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array
from mlpk.errors import ShapeError
from mlpk.example import Example
from mlpk.testing.bench import ROWS, Bench
from mlpk.testing.differences import assert_close
from mlpk.testing.inapplicable import InapplicableError
from mlpk.testing.variations import of_any_rank, of_unknown_length

__all__ = ["CHECKS"]


def declared_shapes_are_real(example: Example) -> None:
    """Output and gradients have the declared shapes."""
    _assert_shapes(Bench(example))


def any_rank_is_answered(example: Example) -> None:
    """Inputs of each rank, of lengths of one too, are refused with a `ShapeError`, or they work."""
    for varied in of_any_rank(example):
        bench = Bench(varied)
        bench = Bench(varied, rows=max(ROWS, bench.min_rows))
        try:
            found = bench.both_ways()
        except ShapeError:
            if any(None in shape for shape in varied.input_shapes):
                continue  # the data showed what could not be known before
            raise
        _assert_shapes(bench)
        for name, array in found.items():
            where = f"{name} on inputs of shapes {varied.input_shapes}"
            assert np.isfinite(array).all(), f"{where} is not finite"


def unknown_lengths_change_nothing(example: Example) -> None:
    """Where a length may be unknown, the same inputs give what they give where it is known."""
    variations = list(of_unknown_length(example))
    if not variations:
        raise InapplicableError("the layer takes no other lengths as unknown")
    wanted = Bench(example).both_ways()
    for varied in variations:
        for name, array in Bench(varied).both_ways().items():
            assert_close(array, wanted[name], f"{name} declared on {varied.input_shapes}", 1e-12)


def sizes_may_change(example: Example) -> None:
    """One pass takes batches of other rows, and of other lengths where they are unknown, in turn."""
    bench = Bench(example)
    whole = bench.inputs
    fewer = {name: array[: max(2, bench.min_rows)] for name, array in whole.items()}
    shorter = {
        name: array[(slice(None), *_shortened(shape, array))]
        for (name, array), shape in zip(fewer.items(), example.input_shapes, strict=True)
    }
    for inputs in (whole, fewer, shorter, whole, shorter, whole):
        bench.inputs = inputs
        try:
            wanted = bench.both_ways(run=bench.new_pass())
        except ShapeError:  # shorter than the layer takes
            continue
        found = bench.both_ways()
        for name, array in found.items():
            sizes = [given.shape for given in inputs.values()]
            assert array.shape == wanted[name].shape, f"{name} of {sizes} has shape {array.shape}"
            assert np.array_equal(array, wanted[name]), f"{name} of {sizes} differs after others"


def evaluation_sees_one_row(example: Example) -> None:
    """In evaluation a row's output depends on no other row of the batch."""
    bench = Bench(example)
    bench.forward(training=True)  # moves the buffers off their first values
    together = bench.forward(training=False)
    whole = bench.inputs
    for row in range(len(next(iter(whole.values())))):
        bench.inputs = {name: array[row : row + 1] for name, array in whole.items()}
        for name, output in bench.forward(training=False).items():
            assert_close(output[0], together[name][row], f"row {row} of {name} alone", 1e-12)


def the_fewest_rows_train(example: Example) -> None:
    """A training batch of as few rows as declared, one unless `min_rows` says more, works."""
    bench = Bench(example)
    bench = Bench(example, rows=bench.min_rows)
    _assert_shapes(bench)
    for name, array in bench.both_ways().items():
        assert np.isfinite(array).all(), f"{name} of a batch of {bench.rows} is not finite"


CHECKS = (
    declared_shapes_are_real,
    any_rank_is_answered,
    unknown_lengths_change_nothing,
    sizes_may_change,
    evaluation_sees_one_row,
    the_fewest_rows_train,
)


def _assert_shapes(bench: Bench) -> None:
    outputs = bench.forward(training=True)
    for name, output in outputs.items():
        wanted = bench.model.graph.nodes[name].shape
        assert wanted is not None
        fits = len(wanted) == output.ndim - 1 and all(
            length in (None, real) for length, real in zip(wanted, output.shape[1:], strict=True)
        )
        assert fits, f"the output has shape {output.shape[1:]}, declared was {wanted}"
        rows = len(next(iter(bench.inputs.values())))
        assert len(output) == rows, f"of {rows} rows came out {len(output)}"
    dinputs = bench.run.backward(bench.doutputs(outputs))
    for name, grad in dinputs.items():
        wanted_shape = bench.inputs[name].shape
        assert grad.shape == wanted_shape, f"gradient of {name}: {grad.shape}, not {wanted_shape}"


def _shortened(shape: tuple[int | None, ...], array: Array) -> tuple[slice, ...]:
    lengths = zip(shape, array.shape[1:], strict=True)
    return tuple(slice(max(1, real - 1) if n is None else None) for n, real in lengths)
