"""What an implementation of a layer has to keep."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np

from mlpk.arrays import Array
from mlpk.errors import ShapeError
from mlpk.example import Example
from mlpk.testing.bench import ROWS, Bench
from mlpk.testing.implemented import MANY, Implemented, plainly
from mlpk.testing.inapplicable import InapplicableError
from mlpk.testing.layers.memory import memory_stays_steady as takes_no_more_memory
from mlpk.testing.layouts import LAYOUTS, sealed
from mlpk.testing.threads import THREADS, together
from mlpk.testing.variations import enlarged, of_any_rank, of_unknown_length

__all__ = ["CHECKS"]

MODES = {True: "in training", False: "in evaluation"}
MANY_ROWS = 64
FAR = 1e4


def outputs_agree(case: Implemented) -> None:
    """Outputs and buffers are the plain ones, in training and evaluation, step after step."""
    plain, fast = _benches(case)
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
    plain, fast = _benches(case)
    for training in (True, False):
        _assert_both_ways(case, plain, fast, MODES[training], training=training)


def unread_gradients_are_left_out(case: Implemented) -> None:
    """Where nobody reads the gradients of inputs, those of parameters are the plain ones still."""
    plain, fast = _benches(case)
    if not any(param.trainable for param in plain.model.graph.params.values()):
        raise InapplicableError("the layer has no parameters that are trained")
    for bench in (plain, fast):
        bench.run.prepare_backward(inputs=False)
    for training in (True, False):
        where = f"{MODES[training]}, with no gradient of an input read"
        _assert_both_ways(case, plain, fast, where, training=training)


def other_shapes_agree(case: Implemented) -> None:
    """Inputs of each rank, and lengths that are unknown, are left to the plain one, or agree."""
    served = 0
    for varied in (*of_any_rank(case.example), *of_unknown_length(case.example)):
        if not case.serves(*varied.input_shapes):
            continue
        rows = max(ROWS, Bench(varied, case.dtype).min_rows)
        plain, fast = (Bench(varied, case.dtype, rows=rows) for _ in range(2))
        try:
            _assert_both_ways(case, plain, fast, f"of shapes {varied.input_shapes}")
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
    _assert_both_ways(case, plain, fast, f"of shapes {shapes}", many=MANY)


def far_numbers_agree(case: Implemented) -> None:
    """Real inputs ten thousand times as large overflow nowhere where the plain one does not."""
    plain, fast = _benches(case)
    for bench in (plain, fast):
        for name in _real(bench):
            bench.inputs[name] = bench.inputs[name] * np.array(FAR, case.dtype)
    _assert_both_ways(case, plain, fast, f"of inputs times {FAR:g}", many=MANY)


def sizes_may_change(case: Implemented) -> None:
    """One pass takes batches of other rows in turn."""
    plain, fast = _benches(case)
    whole, least = plain.inputs, max(1, plain.min_rows)
    for rows in (ROWS, least, ROWS, max(2, least), ROWS):
        for bench in (plain, fast):
            bench.inputs = {name: array[:rows] for name, array in whole.items()}
        _assert_both_ways(case, plain, fast, f"of {rows} rows, after others")


def inputs_are_left_alone(case: Implemented) -> None:
    """Neither way writes its inputs, the output's gradient or a parameter; all are read-only."""
    plain, fast = _benches(case)
    given = {name: sealed(array) for name, array in fast.inputs.items()}
    params = {name: param.copy() for name, param in fast.model.params.items()}
    with case.faster():
        for training in (True, False):
            outputs = fast.run.forward(given, training=training)
            doutputs = {name: sealed(grad) for name, grad in fast.doutputs(outputs).items()}
            held = {name: grad.copy() for name, grad in doutputs.items()}
            fast.run.backward(doutputs)
            for name, grad in doutputs.items():
                assert np.array_equal(grad, held[name]), f"the gradient of {name} was changed"
    for name, array in given.items():
        assert np.array_equal(array, plain.inputs[name], equal_nan=True), f"{name} was changed"
    for name, param in fast.model.params.items():
        assert np.array_equal(param, params[name]), f"the parameter {name} was changed"


def place_in_memory_does_not_matter(case: Implemented) -> None:
    """Inputs and gradients may lie scattered, backwards or turned in memory, and be read-only."""
    for training, (lie, laid) in product((True, False), LAYOUTS.items()):
        plain, fast = _benches(case)
        with plainly():
            wanted = plain.both_ways(training=training)
        inputs = {name: laid(array) for name, array in fast.inputs.items()}
        with case.faster():
            outputs = fast.run.forward(inputs, training=training)
            found = {name: output.copy() for name, output in outputs.items()}
            doutputs = {name: laid(grad) for name, grad in fast.doutputs(found).items()}
            dinputs = fast.run.backward(doutputs)
        found |= {f"d{name}": grad for name, grad in (*dinputs.items(), *_grads(fast))}
        case.assert_agree(found, wanted, f"of {lie} arrays, {MODES[training]}")


def two_passes_take_turns(case: Implemented) -> None:
    """What one pass keeps for its way back survives the forward of another."""
    plain, fast = _benches(case)
    with plainly():
        wanted = plain.both_ways()
    with case.faster():
        second = fast.new_pass()
        outputs = fast.forward(training=True)
        fast.redraw(case.example, seed=1)
        fast.forward(training=True, run=second)
        found = fast.backward(fast.run, outputs)
    case.assert_agree(found, wanted, "after the forward of another pass")


def threads_do_not_meet(case: Implemented) -> None:
    """Several threads at once, each with a network of its own, get what the plain one gives."""
    pairs = [_benches(case) for _ in range(THREADS)]
    for seed, pair in enumerate(pairs):
        for bench in pair:
            bench.redraw(case.example, seed)
    with plainly():
        wanted = [plain.both_ways() for plain, _ in pairs]
    with case.faster():
        found = together([fast.both_ways for _, fast in pairs])
    for each, plain_s in zip(found, wanted, strict=True):
        case.assert_agree(each, plain_s, "in one of several threads")


def nothing_is_kept_on_the_layer(case: Implemented) -> None:
    """The layer is as it was: what a pass has to remember goes through `saved` and `ctx.empty`."""
    _, fast = _benches(case)
    before = dict(vars(fast.layer))
    with case.faster():
        for training in (True, False):
            fast.both_ways(training=training)
    assert vars(fast.layer) == before, f"{sorted(vars(fast.layer).keys() - before.keys())} is new"


def memory_stays_steady(case: Implemented) -> None:
    """After two steps, no step takes memory that grows with the batch: it lies in `ctx.empty`."""
    case.require(*enlarged(case.example).input_shapes)
    with case.faster():
        takes_no_more_memory(case.example, case.dtype)


def what_is_not_finite_shows(case: Implemented) -> None:
    """Rows with NaN or infinity among the inputs come out so just where the plain one lets them."""
    plain, fast = _benches(case)
    real = _real(plain)
    for value in (np.nan, np.inf):
        for bench in (plain, fast):
            for name in real:
                bench.inputs[name] = bench.inputs[name].copy()
                bench.inputs[name][(0, *(0,) * (bench.inputs[name].ndim - 1))] = value
        with np.errstate(all="ignore"):
            with plainly():
                wanted = plain.forward(training=False)
            with case.faster():
                found = fast.forward(training=False)
        for name, output in found.items():
            for row, (its, plain_s) in enumerate(zip(output, wanted[name], strict=True)):
                finite = bool(np.isfinite(plain_s).all())
                assert np.isfinite(its).all() == finite, (
                    f"row {row} of {name}, of an input with {value} in row 0, is "
                    f"{'not ' * finite}finite"
                )


CHECKS = (
    outputs_agree,
    gradients_agree,
    unread_gradients_are_left_out,
    other_shapes_agree,
    many_values_agree,
    far_numbers_agree,
    sizes_may_change,
    inputs_are_left_alone,
    place_in_memory_does_not_matter,
    two_passes_take_turns,
    threads_do_not_meet,
    nothing_is_kept_on_the_layer,
    memory_stays_steady,
    what_is_not_finite_shows,
)


def _benches(case: Implemented) -> tuple[Bench, Bench]:
    """Return two networks that are alike, for the plain and for the faster one."""
    example: Example = case.example
    case.require(*example.input_shapes)
    return Bench(example, case.dtype), Bench(example, case.dtype)


def _real(bench: Bench) -> list[str]:
    """Return the names of the inputs that hold real numbers."""
    real = [name for name in bench.inputs if bench.is_real(name)]
    if not real:
        raise InapplicableError("no input holds real numbers")
    return real


def _grads(bench: Bench) -> list[tuple[str, Array]]:
    return list(bench.model.grads.items())


def _assert_both_ways(
    case: Implemented,
    plain: Bench,
    fast: Bench,
    where: str,
    *,
    training: bool = True,
    many: int = 1,
) -> None:
    for grad in fast.model.grads.values():
        grad.fill(np.nan)
    with plainly():
        wanted: Mapping[str, Array] = plain.both_ways(training=training)
    with case.faster():
        found = fast.both_ways(training=training)
    case.assert_agree(found, wanted, where, many=many)
