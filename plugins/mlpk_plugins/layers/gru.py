"""GRU: gated recurrent unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import ge

from mlpk import Context, Declaration, Example, Initializer, Layer, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.gru_cell import Cell, gru_steps, gru_steps_back
from mlpk_plugins.layers.parts.recurrence import examples_of
from mlpk_plugins.layers.parts.steps import Steps, beside, sequence_width, stack_gradient


@define
class GRU(Layer):
    """h' = z * h + (1 - z) * n at each step, from h = 0.

    The gates are z = sigmoid(x W_z + b_z + h R_z + d_z), r the like, and
    n = tanh(x W_n + b_n + r * (h R_n + d_n)): the reset r comes after the product with R, which
    others call reset_after=True.

    x (n, T, n_in), and maybe a mask (n, T), bool -> h after the last step, (n, units), or with
    `return_sequences` after every step, (n, T, units). Where the mask is false the state stays as
    it is. weight W (n_in, 3 units), recurrent R (units, 3 units), bias b and recurrent_bias d
    (3 units,), each with the gates side by side in the order z, r, n; drawn gate by gate.

    units >= 1. Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014,
    in version 1 of arXiv:1406.1078.
    """

    kind: ClassVar[str] = "gru"
    takes: ClassVar[tuple[str, ...]] = ("real", "bool")

    units: int = field(validator=ge(1))
    return_sequences: bool = False
    init: Initializer | str = "glorot_uniform"
    recurrent_init: Initializer | str = "orthogonal"

    def declare(self, x: Shape, mask: Shape | None = None) -> Declaration:
        n_in, units = sequence_width(x, mask), self.units
        params = {
            "weight": Param((n_in, 3 * units), self.init, fans=(n_in, units)),
            "recurrent": Param((units, 3 * units), self.recurrent_init, fans=(units, units)),
            "bias": Param((3 * units,), "zeros", decay=False),
            "recurrent_bias": Param((3 * units,), "zeros", decay=False),
        }
        output = (x[0], units) if self.return_sequences else (units,)
        return Declaration(output, params, positions=x[:1])

    def forward(
        self, arrays: Arrays, ctx: Context, x: Array, mask: Array | None = None
    ) -> tuple[Array, tuple[Steps, list[Cell]]]:
        steps = Steps.of(ctx, self.units, x, mask)
        cells = gru_steps(ctx, arrays, steps)
        return steps.output(return_sequences=self.return_sequences), (steps, cells)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: tuple[Steps, list[Cell]], dy: Array, grads: Grads
    ) -> Array | tuple[Array | None, None] | None:
        steps, cells = saved
        dgates, dn = gru_steps_back(ctx, arrays, steps, cells, dy)
        dz, seen = beside(ctx, "dz", dgates), beside(ctx, "seen", steps.given[:-1])
        n_in = len(arrays["weight"])
        of_states = stack_gradient(ctx, seen[n_in:], dz)
        np.copyto(grads["recurrent_bias"], of_states[0])
        np.copyto(grads["recurrent"], of_states[1:])
        np.copyto(dz[2 * self.units :], beside(ctx, "dn_beside", dn))
        of_inputs = stack_gradient(ctx, seen[: n_in + 1], dz)
        np.copyto(grads["weight"], of_inputs[:-1])
        np.copyto(grads["bias"], of_inputs[-1])
        return steps.dx(ctx, arrays["weight"], dz)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        return examples_of(cls)
