"""How an implementation of a layer may behave: towards its arguments, other passes and threads."""

from __future__ import annotations

from itertools import product

import numpy as np

from mlpk.testing.implementations.layers.benches import MODES, benches
from mlpk.testing.implemented import Implemented, plainly
from mlpk.testing.layers.memory import memory_stays_steady as takes_no_more_memory
from mlpk.testing.layouts import LAYOUTS, sealed
from mlpk.testing.process import left_alone
from mlpk.testing.threads import THREADS, together
from mlpk.testing.variations import enlarged

__all__ = ["CHECKS"]


def inputs_are_left_alone(case: Implemented) -> None:
    """Neither way writes its inputs, the output's gradient or a parameter; all are read-only."""
    plain, fast = benches(case)
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
        plain, fast = benches(case)
        with plainly():
            wanted = plain.both_ways(training=training)
        inputs = {name: laid(array) for name, array in fast.inputs.items()}
        with case.faster():
            outputs = fast.run.forward(inputs, training=training)
            found = {name: output.copy() for name, output in outputs.items()}
            doutputs = {name: laid(grad) for name, grad in fast.doutputs(found).items()}
            dinputs = fast.run.backward(doutputs)
        found |= {f"d{name}": grad for name, grad in (*dinputs.items(), *fast.model.grads.items())}
        case.assert_agree(found, wanted, f"of {lie} arrays, {MODES[training]}")


def two_passes_take_turns(case: Implemented) -> None:
    """What one pass keeps for its way back survives the forward of another."""
    for training in MODES:
        plain, fast = benches(case)
        with plainly():
            wanted = plain.both_ways(training=training)
        with case.faster():
            second = fast.new_pass()
            outputs = fast.forward(training=training)
            fast.redraw(case.example, seed=1)
            fast.forward(training=True, run=second)
            found = fast.backward(fast.run, outputs)
        case.assert_agree(found, wanted, f"{MODES[training]}, after another pass trained")


def threads_do_not_meet(case: Implemented) -> None:
    """Several threads at once, each with a network of its own, get what the plain one gives."""
    pairs = [benches(case) for _ in range(THREADS)]
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
    _, fast = benches(case)
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


def process_is_left_alone(case: Implemented) -> None:
    """NumPy's alarms and the threads of BLAS are afterwards what they were before, both ways."""
    _, fast = benches(case)
    with case.faster(), left_alone():
        for training in (True, False):
            fast.both_ways(training=training)


CHECKS = (
    inputs_are_left_alone,
    place_in_memory_does_not_matter,
    two_passes_take_turns,
    threads_do_not_meet,
    nothing_is_kept_on_the_layer,
    process_is_left_alone,
    memory_stays_steady,
)
