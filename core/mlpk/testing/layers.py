"""What every layer has to keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlpk.arrays import Array
from mlpk.example import Example
from mlpk.passes import Pass
from mlpk.saved import dumps, loads
from mlpk.testing.bench import Bench
from mlpk.testing.differences import assert_close, by_differences

__all__ = ["CHECKS"]


def gradients_agree_with_differences(example: Example) -> None:
    """Each gradient, of inputs and parameters, in training and in evaluation, in float64."""
    bench = Bench(example)
    for training in (True, False):
        mode = "training" if training else "evaluation"
        doutputs = _doutputs(bench, bench.forward(training=training))

        def value(*, training: bool = training, doutputs: Mapping[str, Array] = doutputs) -> float:
            outputs = bench.forward(training=training)
            return sum(float((outputs[name] * doutputs[name]).sum()) for name in outputs)

        value()
        dinputs = {name: grad.copy() for name, grad in bench.run.backward(doutputs).items()}
        dparams = {name: grad.copy() for name, grad in bench.model.grads.items()}
        for name, array in bench.inputs.items():
            if bench.is_real(name):
                wanted = by_differences(value, array)
                found = dinputs.get(name, np.zeros_like(array))
                assert_close(found, wanted, f"gradient of the input {name} in {mode}")
        for name, array in bench.model.params.items():
            wanted = by_differences(value, array)
            assert_close(dparams[name], wanted, f"gradient of {name} in {mode}")


def gradients_are_written_whole(example: Example) -> None:
    """`backward` writes every element of every gradient; it neither adds nor leaves any out."""
    bench = Bench(example)
    outputs = bench.forward(training=True)
    for grad in bench.model.grads.values():
        grad.fill(np.nan)
    bench.run.backward(_doutputs(bench, outputs))
    for name, grad in bench.model.grads.items():
        assert not np.isnan(grad).any(), f"the gradient of {name} is added to, or not all written"


def parameters_learn_when_no_input_does(example: Example) -> None:
    """The gradients of parameters are the same where nobody reads those of the inputs."""
    bench = Bench(example)
    if not any(param.trainable for param in bench.model.graph.params.values()):
        return
    doutputs = _doutputs(bench, bench.forward(training=True))
    bench.run.backward(doutputs)
    wanted = {name: grad.copy() for name, grad in bench.model.grads.items()}
    for grad in bench.model.grads.values():
        grad.fill(np.nan)
    bench.run.prepare_backward(inputs=False)
    bench.forward(training=True)
    bench.run.backward(doutputs)
    for name, grad in bench.model.grads.items():
        assert np.array_equal(grad, wanted[name]), f"the gradient of {name} differs"


def linear_where_it_says_so(example: Example) -> None:
    """An example called linear is: f(a + b) + f(0) = f(a) + f(b)."""
    if not example.linear:
        return
    bench = Bench(example)
    a = bench.inputs
    bench.redraw(example, seed=1)
    b = bench.inputs
    points = (
        {name: a[name] + b[name] for name in a},
        {name: np.zeros_like(a[name]) for name in a},
        a,
        b,
    )
    for training in (True, False):
        outputs = []
        for point in points:
            bench.inputs = point
            outputs.append(bench.forward(training=training))
        for name in outputs[0]:
            of_sum, of_zero, of_a, of_b = (output[name] for output in outputs)
            assert_close(of_sum + of_zero, of_a + of_b, f"{name} of a sum", 1e-12)


def declared_shapes_are_real(example: Example) -> None:
    """Output and gradients have the declared shapes."""
    bench = Bench(example)
    outputs = bench.forward(training=True)
    for name, output in outputs.items():
        wanted = bench.model.graph.nodes[name].shape
        assert wanted is not None
        fits = len(wanted) == output.ndim - 1 and all(
            length in (None, real) for length, real in zip(wanted, output.shape[1:], strict=True)
        )
        assert fits, f"the output has shape {output.shape[1:]}, declared was {wanted}"
    dinputs = bench.run.backward(_doutputs(bench, outputs))
    for name, grad in dinputs.items():
        wanted_shape = bench.inputs[name].shape
        assert grad.shape == wanted_shape, f"gradient of {name}: {grad.shape}, not {wanted_shape}"


def inputs_are_left_alone(example: Example) -> None:
    """Neither way changes its inputs, the output's gradient or a parameter."""
    bench = Bench(example)
    run, given = bench.run, {name: _sealed(array) for name, array in bench.inputs.items()}
    params = {name: param.copy() for name, param in bench.model.params.items()}
    for training in (True, False):
        outputs = run.forward(given, training=training)
        run.backward({name: _sealed(grad) for name, grad in _doutputs(bench, outputs).items()})
    for name, array in given.items():
        assert np.array_equal(array, bench.inputs[name], equal_nan=True), f"{name} was changed"
    for name, param in bench.model.params.items():
        assert np.array_equal(param, params[name]), f"the parameter {name} was changed"


def place_in_memory_does_not_matter(example: Example) -> None:
    """Inputs and gradients may lie scattered in memory, and may be read-only."""
    bench = Bench(example)
    wanted = _both_ways(bench, bench.run)
    second = bench.new_pass()
    given = {name: _scattered(array) for name, array in bench.inputs.items()}
    outputs = second.forward(given, training=True)
    found = {name: output.copy() for name, output in outputs.items()}
    doutputs = _doutputs(bench, found)
    dinputs = second.backward({name: _scattered(grad) for name, grad in doutputs.items()})
    found |= {f"d{name}": grad.copy() for name, grad in dinputs.items()}
    found |= {f"d{name}": grad.copy() for name, grad in bench.model.grads.items()}
    for name, array in found.items():
        assert_close(array, wanted[name], f"{name} of scattered arrays", 1e-12)


def float32_stays_float32(example: Example) -> None:
    """A network in float32 computes in float32, both ways, buffers included."""
    bench = Bench(example, "float32")
    before = {name: buffer.dtype for name, buffer in bench.model.buffers.items()}
    for training in (True, False):
        outputs = bench.forward(training=training)
        for name, output in outputs.items():
            if output.dtype.kind == "f":
                assert output.dtype == np.float32, f"{name} came out as {output.dtype}"
        for name, grad in bench.run.backward(_doutputs(bench, outputs)).items():
            assert grad.dtype == np.float32, f"the gradient of {name} came out as {grad.dtype}"
    for name, buffer in bench.model.buffers.items():
        assert buffer.dtype == before[name], f"the buffer {name} became {buffer.dtype}"


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


def evaluation_writes_no_buffer(example: Example) -> None:
    """A forward in evaluation changes no buffer."""
    bench = Bench(example)
    before = {name: buffer.copy() for name, buffer in bench.model.buffers.items()}
    bench.forward(training=False)
    for name, buffer in bench.model.buffers.items():
        assert np.array_equal(buffer, before[name]), f"evaluation wrote the buffer {name}"


def same_seed_same_answer(example: Example) -> None:
    """Two networks of one seed agree bit for bit, and so do two forwards of one step."""
    first, second = Bench(example), Bench(example)
    outputs = first.forward(training=True)
    for name, output in second.forward(training=True).items():
        assert np.array_equal(output, outputs[name], equal_nan=True), f"{name} differs"


def saved_is_the_same(example: Example) -> None:
    """A network that was saved and loaded gives the same answers, bit for bit."""
    bench = Bench(example)
    bench.forward(training=True)
    loaded = loads(dumps(bench.model))
    assert loaded.spec == bench.model.spec
    found, wanted = (_listed(model.predict(bench.inputs)) for model in (loaded, bench.model))
    for here, there in zip(found, wanted, strict=True):
        assert np.array_equal(here, there, equal_nan=True), "the loaded network answers otherwise"


def twice_in_a_net_and_interleaved(example: Example) -> None:
    """Two nodes of one layer, and two passes that take turns, do not get in each other's way."""
    bench = Bench(example, nodes=2)
    second = bench.new_pass()
    wanted_first = _both_ways(bench, bench.run)
    bench.redraw(example, seed=1)
    wanted_second = _both_ways(bench, second)
    bench.redraw(example, seed=0)
    first_outputs = bench.forward(training=True)
    bench.redraw(example, seed=1)
    second_outputs = bench.forward(training=True, run=second)
    found_first = _backward(bench, bench.run, first_outputs)
    found_second = _backward(bench, second, second_outputs)
    for found, wanted in ((found_first, wanted_first), (found_second, wanted_second)):
        assert found.keys() == wanted.keys()
        for name, array in found.items():
            assert np.array_equal(array, wanted[name], equal_nan=True), (
                f"{name} differs when two passes take turns"
            )


CHECKS = (
    gradients_agree_with_differences,
    gradients_are_written_whole,
    parameters_learn_when_no_input_does,
    linear_where_it_says_so,
    declared_shapes_are_real,
    inputs_are_left_alone,
    place_in_memory_does_not_matter,
    float32_stays_float32,
    evaluation_sees_one_row,
    evaluation_writes_no_buffer,
    same_seed_same_answer,
    saved_is_the_same,
    twice_in_a_net_and_interleaved,
)


def _doutputs(bench: Bench, outputs: Mapping[str, Array]) -> dict[str, Array]:
    rng = np.random.default_rng(7)
    return {
        name: rng.standard_normal(output.shape).astype(bench.dtype)
        for name, output in outputs.items()
    }


def _both_ways(bench: Bench, run: Pass) -> dict[str, Array]:
    return _backward(bench, run, bench.forward(training=True, run=run))


def _backward(bench: Bench, run: Pass, outputs: Mapping[str, Array]) -> dict[str, Array]:
    found = dict(outputs)
    found |= {
        f"d{name}": grad.copy() for name, grad in run.backward(_doutputs(bench, outputs)).items()
    }
    return found | {f"d{name}": grad.copy() for name, grad in bench.model.grads.items()}


def _sealed(array: Array) -> Array:
    sealed = array.copy()
    sealed.flags.writeable = False
    return sealed


def _scattered(array: Array) -> Array:
    """Return the same numbers in every second place of a longer array, read-only."""
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    view = wide[..., ::2]
    view[...] = array
    view.flags.writeable = False
    return view


def _listed(outputs: Any) -> list[Array]:
    return list(outputs.values()) if isinstance(outputs, dict) else [outputs]
