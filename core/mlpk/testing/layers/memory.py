"""What a layer has to keep for memory: whose it is, how it lies, how much is taken."""

from __future__ import annotations

import numpy as np

from mlpk.example import Example
from mlpk.testing.bench import Bench
from mlpk.testing.differences import assert_close
from mlpk.testing.inapplicable import InapplicableError
from mlpk.testing.layouts import LAYOUTS, sealed
from mlpk.testing.memory import BYTES_A_ROW, PART, taken
from mlpk.testing.variations import enlarged

__all__ = ["CHECKS"]

# Values of a batch. What is worked off in pieces takes no more from the size on that fills one:
# 8,192 values for NumPy's own buffers, and perhaps 2 MiB elsewhere.
SIZES = (2**14, 2**17, 2**20)


def inputs_are_left_alone(example: Example) -> None:
    """Neither way changes its inputs, the output's gradient or a parameter."""
    bench = Bench(example)
    run, given = bench.run, {name: sealed(array) for name, array in bench.inputs.items()}
    params = {name: param.copy() for name, param in bench.model.params.items()}
    for training in (True, False):
        outputs = run.forward(given, training=training)
        run.backward({name: sealed(grad) for name, grad in bench.doutputs(outputs).items()})
    for name, array in given.items():
        assert np.array_equal(array, bench.inputs[name], equal_nan=True), f"{name} was changed"
    for name, param in bench.model.params.items():
        assert np.array_equal(param, params[name]), f"the parameter {name} was changed"


def place_in_memory_does_not_matter(example: Example) -> None:
    """Inputs and gradients may lie scattered, backwards or turned in memory, and be read-only."""
    bench = Bench(example)
    for training in (True, False):
        wanted = bench.both_ways(training=training)
        for lie, laid in LAYOUTS.items():
            second = bench.new_pass()
            given = {name: laid(array) for name, array in bench.inputs.items()}
            outputs = second.forward(given, training=training)
            found = {name: output.copy() for name, output in outputs.items()}
            doutputs = bench.doutputs(found)
            dinputs = second.backward({name: laid(grad) for name, grad in doutputs.items()})
            found |= {f"d{name}": grad.copy() for name, grad in dinputs.items()}
            found |= {f"d{name}": grad.copy() for name, grad in bench.model.grads.items()}
            for name, array in found.items():
                assert_close(array, wanted[name], f"{name} of {lie} arrays", 1e-12)


def broadcast_rows_are_rows(example: Example) -> None:
    """A batch may be one row shown many times, with a stride of zero."""
    bench = Bench(example)
    row = {name: array[:1] for name, array in bench.inputs.items()}
    shown = {
        name: np.broadcast_to(array, (bench.rows, *array.shape[1:])) for name, array in row.items()
    }
    bench.inputs = {name: array.copy() for name, array in shown.items()}
    wanted = bench.both_ways()
    second = bench.new_pass()
    outputs = second.forward(shown, training=True)
    found = bench.backward(second, {name: output.copy() for name, output in outputs.items()})
    for name, array in found.items():
        assert_close(array, wanted[name], f"{name} of a row shown many times", 1e-12)


def evaluation_writes_no_buffer(example: Example) -> None:
    """A forward in evaluation changes no buffer."""
    bench = Bench(example)
    if not bench.model.buffers:
        raise InapplicableError("the layer has no buffers")
    before = {name: buffer.copy() for name, buffer in bench.model.buffers.items()}
    bench.forward(training=False)
    for name, buffer in bench.model.buffers.items():
        assert np.array_equal(buffer, before[name]), f"evaluation wrote the buffer {name}"


def memory_stays_steady(example: Example, dtype: str = "float32") -> None:
    """After two steps, no step takes memory that grows with the batch: it lies in `ctx.empty`."""
    larger = enlarged(example)
    small = Bench(larger, dtype, rows=1)
    values = sum(array.size for array in small.inputs.values())
    arrays = (*small.inputs.values(), *small.forward(training=False).values())
    row = sum(array.nbytes for array in arrays)
    for training in (True, False):
        for size in SIZES:
            rows = max(64, size // values)
            less, more = (
                _taken(Bench(larger, dtype, rows=n), training=training) for n in (rows, 3 * rows)
            )
            growth = (more - less) / (2 * rows)
            if growth <= PART * row + BYTES_A_ROW:
                break
        else:
            mode = "training" if training else "evaluation"
            raise AssertionError(
                f"a step in {mode} takes {growth:,.0f} bytes a row beside its memory, where inputs "
                f"and output have {row}; compute into ctx.empty(...) with out="
            )


CHECKS = (
    inputs_are_left_alone,
    place_in_memory_does_not_matter,
    broadcast_rows_are_rows,
    evaluation_writes_no_buffer,
    memory_stays_steady,
)


def _taken(bench: Bench, *, training: bool) -> int:
    """Return the bytes that a third step takes at most, beyond what was there before it."""
    run, inputs = bench.new_pass(spoil=False), bench.inputs
    doutputs = bench.doutputs(run.forward(inputs, training=training))

    def step() -> None:
        run.forward(inputs, training=training)
        run.backward(doutputs)

    return taken(step)
