"""A layer set up for its checks: in a model of its own, with inputs, on spoiled memory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mlpk.arrays import Array
from mlpk.example import Example
from mlpk.layer import Layer
from mlpk.model import Model
from mlpk.passes import Pass
from mlpk.symbol import Input

__all__ = ["ROWS", "Bench"]

ROWS = 3


class Bench:
    """A model of one layer, or of two nodes of it side by side on the same inputs.

    Parameters are moved away from their first values, so that a bias of zero hides nothing.
    """

    def __init__(
        self, example: Example, dtype: str = "float64", *, nodes: int = 1, rows: int = ROWS
    ) -> None:
        assert isinstance(example.instance, Layer)
        rng = np.random.default_rng(0)
        self.layer = example.instance
        self.dtype = dtype
        self.rows = rows
        self.inputs = {
            f"x{place}": self._typed(np.asarray(drawn))
            for place, drawn in enumerate(example.inputs(rng, rows))
        }
        symbols = [
            Input(shape, dtype=dtype if self.is_real(name) else str(array.dtype), name=name)
            for (name, array), shape in zip(self.inputs.items(), example.input_shapes, strict=True)
        ]
        outputs = [self.layer(*symbols) for _ in range(nodes)]
        self.model = Model(inputs=symbols, outputs=outputs, dtype=dtype, seed=0)
        for param in self.model.params.values():
            np.add(param, 0.1 * rng.standard_normal(param.shape), out=param, casting="same_kind")
        self.run = self.new_pass()
        self.names = self.model.graph.outputs

    def is_real(self, name: str) -> bool:
        """Tell whether an input has a gradient."""
        return self.inputs[name].dtype.kind == "f"

    @property
    def min_rows(self) -> int:
        """How many rows a training batch needs at least, as declared."""
        declarations = (node.declaration for node in self.model.graph.nodes.values())
        return max(declared.min_rows for declared in declarations if declared is not None)

    def new_pass(self, *, spoil: bool = True) -> Pass:
        """Return a pass whose scratch memory is filled with NaN each time it is asked for."""
        model = self.model
        return Pass(model.graph, model.storage, model.seed, training=True, spoil=spoil)

    def forward(
        self, *, training: bool, run: Pass | None = None, step: int = 0
    ) -> dict[str, Array]:
        """Return copies of the outputs; every call of a step draws the same random numbers."""
        run = run or self.run
        run.step = step
        inputs = {name: array.copy() for name, array in self.inputs.items()}
        outputs = run.forward(inputs, training=training)
        return {name: output.copy() for name, output in outputs.items()}

    def doutputs(self, outputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return gradients for outputs, always the same ones."""
        rng = np.random.default_rng(7)
        return {
            name: rng.standard_normal(output.shape).astype(self.dtype)
            for name, output in outputs.items()
        }

    def backward(self, run: Pass, outputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return copies of the outputs and of all gradients, those as "d" and their name."""
        dinputs = run.backward(self.doutputs(outputs))
        found = dict(outputs)
        found |= {f"d{name}": grad.copy() for name, grad in dinputs.items()}
        return found | {f"d{name}": grad.copy() for name, grad in self.model.grads.items()}

    def both_ways(self, *, training: bool = True, run: Pass | None = None) -> dict[str, Array]:
        """Return copies of the outputs and of all gradients, of one way there and back."""
        run = run or self.run
        return self.backward(run, self.forward(training=training, run=run))

    def is_random(self) -> bool:
        """Tell whether the output in training differs from step to step."""
        first, second = (self.forward(training=True, step=step) for step in (0, 1))
        return any(not np.array_equal(first[name], second[name]) for name in first)

    def redraw(self, example: Example, seed: int) -> None:
        """Put other inputs in place."""
        drawn = example.inputs(np.random.default_rng(seed), self.rows)
        self.inputs = {
            name: self._typed(np.asarray(array))
            for name, array in zip(self.inputs, drawn, strict=True)
        }

    def _typed(self, array: Array) -> Array:
        return array.astype(self.dtype) if array.dtype.kind == "f" else array
