"""What the gradients of a layer have to keep."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mlpk.arrays import Array
from mlpk.example import Example
from mlpk.testing.bench import Bench
from mlpk.testing.differences import assert_close, by_differences
from mlpk.testing.inapplicable import InapplicableError
from mlpk.testing.variations import enlarged

__all__ = ["CHECKS"]

MANY_ROWS = 32


def gradients_agree_with_differences(example: Example) -> None:
    """Gradients of inputs and parameters are central differences, in training and evaluation."""
    bench = Bench(example)
    for training in (True, False):
        mode = "training" if training else "evaluation"
        doutputs = bench.doutputs(bench.forward(training=training))

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
    if not bench.model.grads:
        raise InapplicableError("the layer has no parameters")
    outputs = bench.forward(training=True)
    for grad in bench.model.grads.values():
        grad.fill(np.nan)
    bench.run.backward(bench.doutputs(outputs))
    for name, grad in bench.model.grads.items():
        assert not np.isnan(grad).any(), f"the gradient of {name} is added to, or not all written"


def parameters_learn_when_no_input_does(example: Example) -> None:
    """The gradients of parameters are the same where nobody reads those of the inputs."""
    bench = Bench(example)
    if not any(param.trainable for param in bench.model.graph.params.values()):
        raise InapplicableError("the layer has no parameters that are trained")
    doutputs = bench.doutputs(bench.forward(training=True))
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
        raise InapplicableError("the example is not called linear")
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


def adjoint_at_full_size(example: Example) -> None:
    """An example called linear goes back by the adjoint, on many values: <Ax, y> = <x, A'y>."""
    if not example.linear:
        raise InapplicableError("the example is not called linear")
    bench = Bench(enlarged(example), rows=MANY_ROWS)
    x = bench.inputs
    for training in (True, False):
        outputs = bench.forward(training=training)
        doutputs = bench.doutputs(outputs)
        dinputs = {name: grad.copy() for name, grad in bench.run.backward(doutputs).items()}
        bench.inputs = {name: np.zeros_like(array) for name, array in x.items()}
        constant = bench.forward(training=training)
        bench.inputs = x
        there = [(outputs[name] - constant[name]) * doutputs[name] for name in outputs]
        back = [x[name] * grad for name, grad in dinputs.items()]
        found, wanted = (sum(float(part.sum()) for part in parts) for parts in (there, back))
        size = sum(float(np.abs(part).sum()) for part in (*there, *back))
        assert abs(found - wanted) <= 1e-12 * max(1.0, size), (
            f"<Ax, y> is {found:.12g}, but <x, A'y> is {wanted:.12g}, on inputs of shapes "
            f"{[array.shape for array in x.values()]}"
        )


CHECKS = (
    gradients_agree_with_differences,
    gradients_are_written_whole,
    parameters_learn_when_no_input_does,
    linear_where_it_says_so,
    adjoint_at_full_size,
)
