"""Global max pooling over sequences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.mask import check_mask, masked_sequence_shape
from mlpk_plugins.layers.parts.pooling import largest_row_gradient
from mlpk_plugins.layers.parts.recurrence import sequence_and_mask


@define
class GlobalMaxPool1D(Layer):
    """y[c] = max over t of x[t, c].

    x (steps, channels), and maybe a mask (steps,), bool -> y (channels,). Only steps where the mask
    is true count, whatever stands at the others; a row without any gives 0. The gradient goes to
    the first of equals.
    """

    kind: ClassVar[str] = "global_max_pool1d"
    takes: ClassVar[tuple[str, ...]] = ("real", "bool")

    def declare(self, x: Shape, mask: Shape | None = None) -> Declaration:
        _, channels = masked_sequence_shape(x, mask)
        return Declaration((channels,))

    def forward(
        self, arrays: Arrays, ctx: Context, x: Array, mask: Array | None = None
    ) -> tuple[Array, tuple[Array, Array | None]]:
        y = ctx.empty("y", (len(x), x.shape[-1]))
        if mask is None:
            return np.max(x, axis=1, out=y), (x, None)
        check_mask(x, mask)
        np.max(x, axis=1, where=mask[..., None], initial=-np.inf, out=y)
        empty = np.any(mask, axis=1, out=ctx.empty("empty", (len(x),), np.bool_))
        np.logical_not(empty, out=empty)
        np.copyto(y, 0, where=empty[:, None])
        return y, (x, mask)

    def backward(
        self,
        arrays: Arrays,
        ctx: Context,
        saved: tuple[Array, Array | None],
        dy: Array,
        grads: Grads,
    ) -> Array | tuple[Array | None, ...] | None:
        x, mask = saved
        dx = None
        if ctx.needs_input_grad[0]:
            dx = largest_row_gradient(ctx, x, dy, ctx.empty("dx", x.shape), mask)
        return dx if mask is None else (dx, None)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4, 2))
        yield Example(cls(), (None, 2))
        yield Example(cls(), (None, 3), (None,), draw=sequence_and_mask)
