"""LSTM: long short-term memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
from attrs import field
from attrs.validators import ge

from mlpk import Context, Declaration, Example, Initializer, Layer, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.initializers.gate_constant import GateConstant
from mlpk_plugins.layers.recurrence import (
    by_time,
    driven,
    driven_back,
    gates_of,
    masked_steps,
    output,
    recurrent_gradient,
    sequence_and_mask,
    sequence_width,
    states,
)


class Saved(NamedTuple):
    """What the way back needs, by time."""

    steps: Array  # (T, n, n_in)
    gates: Array  # (T, n, 4 units)
    h: Array  # (T + 1, n, units)
    c: Array  # (T + 1, n, units)
    squashed: Array  # (T, n, units): tanh(c)
    masked: Array | None  # (T, n, 1)


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
        return Declaration((x[0], units) if self.return_sequences else (units,), params)

    def forward(
        self, arrays: Arrays, ctx: Context, x: Array, mask: Array | None = None
    ) -> tuple[Array, Saved]:
        masked = masked_steps(ctx, x, mask)
        steps = by_time(ctx, x, masked)
        gates = driven(ctx, arrays, steps)
        i, f, g, o = gates_of(gates, 4)
        h, c = states(ctx, "h", steps, self.units), states(ctx, "c", steps, self.units)
        squashed, product = ctx.empty("squashed", i.shape), ctx.empty("product", gates.shape[1:])
        # sigmoid(a) = 0.5 * tanh(0.5 * a) + 0.5, so that one tanh serves all gates.
        scale = np.repeat(np.array((0.5, 0.5, 1, 0.5), gates.dtype), self.units)
        shift = np.repeat(np.array((0.5, 0.5, 0, 0.5), gates.dtype), self.units)
        for t, z in enumerate(gates):
            z += np.matmul(h[t], arrays["recurrent"], out=product)  # noqa: PLW2901 - in place
            np.tanh(np.multiply(z, scale, out=z), out=z)
            np.add(np.multiply(z, scale, out=z), shift, out=z)
            if masked is not None:  # c' = 1 * c + 0 * 0
                np.copyto(z, 0, where=masked[t])
                np.copyto(f[t], 1, where=masked[t])
            np.multiply(f[t], c[t], out=c[t + 1])
            c[t + 1] += np.multiply(i[t], g[t], out=squashed[t])
            np.multiply(o[t], np.tanh(c[t + 1], out=squashed[t]), out=h[t + 1])
            if masked is not None:
                np.copyto(h[t + 1], h[t], where=masked[t])
        y = output(h, return_sequences=self.return_sequences)
        return y, Saved(steps, gates, h, c, squashed, masked)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Saved, dy: Array, grads: Grads
    ) -> Array | tuple[Array | None, None] | None:
        steps, gates, h, c, squashed, masked = saved
        i, f, g, o = gates_of(gates, 4)
        # What does not depend on dh and dc, for all steps at once: dz but for the factor dc (of
        # i, f and g) or dh (of o), and `reach`, which takes dh to dc.
        dz = np.multiply(gates, gates, out=ctx.empty("dz", gates.shape))
        di, df, dg, do = gates_of(dz, 4)
        np.subtract(1, dg, out=dg)
        for gate, slope in ((i, di), (f, df), (o, do)):
            np.subtract(gate, slope, out=slope)
        for slope, other in ((di, g), (df, c[:-1]), (dg, i), (do, squashed)):
            slope *= other  # noqa: PLW2901 - in place
        reach = np.multiply(squashed, squashed, out=ctx.empty("reach", squashed.shape))
        np.multiply(np.subtract(1, reach, out=reach), o, out=reach)
        dh, dc, earlier = (ctx.empty(name, h.shape[1:]) for name in ("dh", "dc", "earlier"))
        dh[...] = 0 if self.return_sequences else dy
        dc.fill(0)
        for t in reversed(range(len(steps))):
            if self.return_sequences:
                dh += dy[:, t]
            dc += np.multiply(reach[t], dh, out=reach[t])
            for slope in (di, df, dg):
                slope[t] *= dc
            do[t] *= dh
            dc *= f[t]
            np.matmul(dz[t], arrays["recurrent"].T, out=earlier)
            if masked is not None:
                np.copyto(earlier, dh, where=masked[t])
            dh, earlier = earlier, dh
        recurrent_gradient(h, dz, grads["recurrent"])
        dx = driven_back(ctx, arrays, steps, dz, grads)
        return dx if masked is None else (dx, None)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(units=3), (4, 2))
        yield Example(cls(units=2, return_sequences=True), (None, 3))
        for sequences in (False, True):
            layer = cls(units=2, return_sequences=sequences)
            yield Example(layer, (None, 3), (None,), draw=sequence_and_mask)
