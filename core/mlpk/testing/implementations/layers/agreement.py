"""Where an implementation of a layer has to agree: both ways, on inputs of every size and shape."""

from __future__ import annotations

from itertools import product

import numpy as np

from mlpk.arrays import Array, Views
from mlpk.choice import method
from mlpk.context import Context
from mlpk.errors import ShapeError
from mlpk.record import Brought
from mlpk.testing.bench import ROWS, Bench
from mlpk.testing.implementations.layers.benches import (
    MODES,
    assert_both_ways,
    benches,
    real_inputs,
)
from mlpk.testing.implemented import FAR, MANY, Implemented, plainly
from mlpk.testing.inapplicable import InapplicableError
from mlpk.testing.variations import enlarged, of_any_rank, of_unknown_length

__all__ = ["CHECKS"]

MANY_ROWS = 64


def outputs_agree(case: Implemented) -> None:
    """Outputs and buffers are the plain ones, in training and evaluation, step after step."""
    plain, fast = benches(case)
    for step, training in enumerate((True, True, False, True, False)):
        for bench in (plain, fast):
            bench.redraw(case.example, seed=step)
        with plainly():
            wanted = plain.forward(training=training, step=step)
        with case.faster():
            found = fast.forward(training=training, step=step)
        where = f"{MODES[training]}, step {step}"
        case.assert_agree(found, wanted, where)
        case.assert_agree(fast.model.buffers, plain.model.buffers, where)


def gradients_agree(case: Implemented) -> None:
    """Gradients of inputs and parameters are the plain ones, each element written, not added to."""
    plain, fast = benches(case)
    assert_both_ways(case, plain, fast, "as drawn")


def unread_gradients_are_left_out(case: Implemented) -> None:
    """Where nobody reads the gradients of inputs, those of parameters are the plain ones still."""
    plain, fast = benches(case)
    if not any(param.trainable for param in plain.model.graph.params.values()):
        raise InapplicableError("the layer has no parameters that are trained")
    for bench in (plain, fast):
        bench.run.prepare_backward(inputs=False)
    assert_both_ways(case, plain, fast, "with no gradient of an input read")


def some_gradients_may_be_read(case: Implemented) -> None:
    """Where the gradients of some inputs are read, and of others not, those are the plain ones."""
    plain, fast = benches(case)
    if len(real_inputs(plain)) == 1:
        raise InapplicableError("only one input has a gradient")
    for reads in product(
        *((True, False) if plain.is_real(each) else (False,) for each in plain.inputs)
    ):
        if any(reads):
            wanted, found = (
                _gradients_where_read(plain, None, reads),
                _gradients_where_read(fast, case.item, reads),
            )
            case.assert_agree(found, wanted, f"where ctx.needs_input_grad is {reads}")


def other_shapes_agree(case: Implemented) -> None:
    """Inputs of each rank, and lengths that are unknown, are left to the plain one, or agree."""
    served = 0
    for varied in (*of_any_rank(case.example), *of_unknown_length(case.example)):
        if not case.serves(*varied.input_shapes):
            continue
        rows = max(ROWS, Bench(varied, case.dtype).min_rows)
        plain, fast = (Bench(varied, case.dtype, rows=rows) for _ in range(2))
        try:
            assert_both_ways(case, plain, fast, f"of shapes {varied.input_shapes}")
        except ShapeError:  # the data showed what could not be known before
            continue
        served += 1
    if not served:
        raise InapplicableError("serves() leaves other shapes to the plain implementation")


def many_values_agree(case: Implemented) -> None:
    """On inputs large enough to be cut among threads, both ways are the plain ones."""
    larger = enlarged(case.example)
    case.require(*larger.input_shapes)
    plain, fast = (Bench(larger, case.dtype, rows=MANY_ROWS) for _ in range(2))
    shapes = [array.shape for array in plain.inputs.values()]
    assert_both_ways(case, plain, fast, f"of shapes {shapes}", many=MANY)


def far_numbers_agree(case: Implemented) -> None:
    """Real inputs ten thousand times as large overflow nowhere where the plain one does not."""
    plain, fast = benches(case)
    for bench in (plain, fast):
        for name in real_inputs(bench):
            bench.inputs[name] = bench.inputs[name] * np.array(FAR, case.dtype)
    assert_both_ways(case, plain, fast, f"of inputs times {FAR:g}", many=MANY)


def sizes_may_change(case: Implemented) -> None:
    """One pass takes batches of other rows in turn."""
    plain, fast = benches(case)
    whole, least = plain.inputs, max(1, plain.min_rows)
    for rows in (ROWS, least, ROWS, max(2, least), ROWS):
        for bench in (plain, fast):
            bench.inputs = {name: array[:rows] for name, array in whole.items()}
        assert_both_ways(case, plain, fast, f"of {rows} rows, after others")


CHECKS = (
    outputs_agree,
    gradients_agree,
    unread_gradients_are_left_out,
    some_gradients_may_be_read,
    other_shapes_agree,
    many_values_agree,
    far_numbers_agree,
    sizes_may_change,
)


def _gradients_where_read(
    bench: Bench, item: Brought | None, reads: tuple[bool, ...]
) -> dict[str, Array]:
    """Return the gradients of the parameters, and of those inputs that somebody reads."""
    (node,) = bench.model.graph.nodes.values()
    ctx = Context(bench.dtype, name=node.name, needs_input_grad=reads, spoil=True)
    ctx.begin(0, training=True)
    params, buffers = bench.model.params, bench.model.buffers
    arrays = Views(
        {local: params[name].copy() for local, name in node.params.items()}
        | {local: buffers[name].copy() for local, name in node.buffers.items()}
    )
    grads = Views(
        {local: np.full_like(params[name], np.nan) for local, name in node.params.items()}
    )
    forward, backward = (method(bench.layer, item, way) for way in ("forward", "backward"))
    output, saved = forward(arrays, ctx, *bench.inputs.values())
    (doutput,) = bench.doutputs({node.name: output}).values()
    dinputs = backward(arrays, ctx, saved, doutput, grads)
    found = {f"d{name}": grad for name, grad in grads.items()}
    for name, read, grad in zip(bench.inputs, reads, dinputs, strict=True):
        if read:
            assert grad is not None, f"wanted the gradient of {name}, which is read, found None"
            found[f"d{name}"] = grad
    return found
