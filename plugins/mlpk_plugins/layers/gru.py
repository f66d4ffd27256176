"""GRU: gated recurrent unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
from attrs import field
from attrs.validators import ge

from mlpk import Context, Declaration, Example, Initializer, Layer, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
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
from mlpk_plugins.layers.sums import column_sums


class Saved(NamedTuple):
    """What the way back needs, by time."""

    steps: Array  # (T, n, n_in)
    gates: Array  # (T, n, 3 units)
    h: Array  # (T + 1, n, units)
    q: Array  # (T, n, units): h R_n + d_n
    with_mask: bool


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
        return Declaration((x[0], units) if self.return_sequences else (units,), params)

    def forward(
        self, arrays: Arrays, ctx: Context, x: Array, mask: Array | None = None
    ) -> tuple[Array, Saved]:
        masked = masked_steps(ctx, x, mask)
        steps = by_time(ctx, x, masked)
        gates = driven(ctx, arrays, steps)
        z, r, n = gates_of(gates, 3)
        h, q = states(ctx, "h", steps, self.units), ctx.empty("q", z.shape)
        product = ctx.empty("product", gates.shape[1:])
        for t, now in enumerate(gates):
            np.matmul(h[t], arrays["recurrent"], out=product)
            product += arrays["recurrent_bias"]
            np.copyto(q[t], product[:, 2 * self.units :])
            # sigmoid(a) = 0.5 * tanh(0.5 * a) + 0.5
            zr = now[:, : 2 * self.units]
            zr += product[:, : 2 * self.units]
            np.tanh(np.multiply(zr, 0.5, out=zr), out=zr)
            np.add(np.multiply(zr, 0.5, out=zr), 0.5, out=zr)
            n[t] += np.multiply(r[t], q[t], out=h[t + 1])
            np.tanh(n[t], out=n[t])
            if masked is not None:  # h' = 1 * h + 0 * 0
                np.copyto(now, 0, where=masked[t])
                np.copyto(z[t], 1, where=masked[t])
            np.subtract(h[t], n[t], out=h[t + 1])
            h[t + 1] *= z[t]
            h[t + 1] += n[t]
        y = output(h, return_sequences=self.return_sequences)
        return y, Saved(steps, gates, h, q, masked is not None)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Saved, dy: Array, grads: Grads
    ) -> Array | tuple[Array | None, None] | None:
        steps, gates, h, q, with_mask = saved
        z, r, n = gates_of(gates, 3)
        # Gradients of h R + d and of x W + b differ in the part of n alone, dq and dn. All are dh
        # times a factor, which is computed for all steps at once.
        dgates = ctx.empty("dgates", gates.shape)
        dz, dr, dq = gates_of(dgates, 3)
        dn = np.multiply(n, n, out=ctx.empty("dn", n.shape))
        np.subtract(1, dn, out=dn)
        dn *= np.subtract(1, z, out=dz)
        dz *= z
        dz *= np.subtract(h[:-1], n, out=dq)
        np.multiply(dn, r, out=dq)
        np.multiply(np.subtract(1, r, out=dr), dq, out=dr)
        dr *= q
        dh, earlier = ctx.empty("dh", h.shape[1:]), ctx.empty("earlier", h.shape[1:])
        dh[...] = 0 if self.return_sequences else dy
        for t in reversed(range(len(steps))):
            if self.return_sequences:
                dh += dy[:, t]
            for slope in (dz, dr, dq, dn):
                slope[t] *= dh
            np.matmul(dgates[t], arrays["recurrent"].T, out=earlier)
            earlier += np.multiply(dh, z[t], out=dh)
            dh, earlier = earlier, dh
        recurrent_gradient(h, dgates, grads["recurrent"])
        column_sums(ctx, dgates.reshape(-1, dgates.shape[-1]), grads["recurrent_bias"])
        dq[...] = dn
        dx = driven_back(ctx, arrays, steps, dgates, grads)
        return (dx, None) if with_mask else dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(units=3), (4, 2))
        yield Example(cls(units=2, return_sequences=True), (None, 3))
        for sequences in (False, True):
            layer = cls(units=2, return_sequences=sequences)
            yield Example(layer, (None, 3), (None,), draw=sequence_and_mask)
