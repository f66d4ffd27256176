"""LSTM: long short-term memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import field
from attrs.validators import ge

from mlpk import Context, Declaration, Example, Initializer, Layer, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.initializers.gate_constant import GateConstant
from mlpk_plugins.layers.parts.lstm_cell import Cells, lstm_steps, lstm_steps_back, rolled
from mlpk_plugins.layers.parts.recurrence import examples_of
from mlpk_plugins.layers.parts.steps import (
    Steps,
    beside,
    sequence_width,
    stack_gradient,
    unstacked,
)


@define
class LSTM(Layer):
    """c' = f * c + i * g, h' = o * tanh(c') at each step, from h = c = 0.

    The gates are [i, f, g, o] = [sigmoid, sigmoid, tanh, sigmoid](x W + h R + b).

    x (n, T, n_in), and maybe a mask (n, T), bool -> h after the last step, (n, units), or with
    `return_sequences` after every step, (n, T, units). Where the mask is false the state stays as
    it is. weight (n_in, 4 units), recurrent (units, 4 units), bias (4 units,), each with the gates
    side by side in that order; drawn gate by gate, the bias of f as 1, of the others as 0.

    units >= 1. Hochreiter and Schmidhuber, Long short-term memory, Neural Computation 1997, with
    the forget gate of Gers, Schmidhuber and Cummins, Learning to forget, Neural Computation 2000.
    """

    kind: ClassVar[str] = "lstm"
    takes: ClassVar[tuple[str, ...]] = ("real", "bool")

    units: int = field(validator=ge(1))
    return_sequences: bool = False
    init: Initializer | str = "glorot_uniform"
    recurrent_init: Initializer | str = "orthogonal"

    def declare(self, x: Shape, mask: Shape | None = None) -> Declaration:
        n_in, units = sequence_width(x, mask), self.units
        params = {
            "weight": Param((n_in, 4 * units), self.init, fans=(n_in, units)),
            "recurrent": Param((units, 4 * units), self.recurrent_init, fans=(units, units)),
            "bias": Param((4 * units,), GateConstant((0.0, 1.0, 0.0, 0.0)), decay=False),
        }
        output = (x[0], units) if self.return_sequences else (units,)
        return Declaration(output, params, positions=x[:1])

    def forward(
        self, arrays: Arrays, ctx: Context, x: Array, mask: Array | None = None
    ) -> tuple[Array, tuple[Steps, Cells]]:
        steps = Steps.of(ctx, self.units, x, mask)
        cells = lstm_steps(ctx, arrays, steps)
        return steps.output(return_sequences=self.return_sequences), (steps, cells)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: tuple[Steps, Cells], dy: Array, grads: Grads
    ) -> Array | tuple[Array | None, None] | None:
        steps, cells = saved
        dz = beside(ctx, "dz", lstm_steps_back(ctx, steps, cells, dy))
        gradient = stack_gradient(ctx, beside(ctx, "seen", steps.given[:-1]), dz)
        unstacked(rolled(gradient, -self.units, ctx.empty("unrolled", gradient.shape)), grads)
        return steps.dx(ctx, cells.stack[: len(arrays["weight"])], dz)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        return examples_of(cls)
