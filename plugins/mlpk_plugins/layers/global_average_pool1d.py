"""Global average pooling over sequences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.mask import check_mask, masked_sequence_shape
from mlpk_plugins.layers.parts.recurrence import sequence_and_mask


class Saved(NamedTuple):
    """What the way back needs."""

    shape: tuple[int, ...]
    mask: Array | None
    steps: Array | int  # (n, 1) with a mask; how many steps of a row are there, at least 1


@define
class GlobalAveragePool1D(Layer):
    """y[c] = sum over t of x[t, c] / steps.

    x (steps, channels), and maybe a mask (steps,), bool -> y (channels,). Only steps where the mask
    is true are summed and counted, whatever stands at the others; a row without any gives 0.
    """

    kind: ClassVar[str] = "global_average_pool1d"
    takes: ClassVar[tuple[str, ...]] = ("real", "bool")

    def declare(self, x: Shape, mask: Shape | None = None) -> Declaration:
        _, channels = masked_sequence_shape(x, mask)
        return Declaration((channels,))

    def forward(
        self, arrays: Arrays, ctx: Context, x: Array, mask: Array | None = None
    ) -> tuple[Array, Saved]:
        y = ctx.empty("y", (len(x), x.shape[-1]))
        if mask is None:
            return np.mean(x, axis=1, out=y), Saved(x.shape, None, x.shape[1])
        check_mask(x, mask)
        steps = np.sum(mask, axis=1, keepdims=True, out=ctx.empty("steps", (len(x), 1)))
        np.maximum(steps, 1, out=steps)
        np.sum(x, axis=1, where=mask[..., None], out=y)
        y /= steps
        return y, Saved(x.shape, mask, steps)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Saved, dy: Array, grads: Grads
    ) -> Array | tuple[Array | None, ...] | None:
        dx = None
        if ctx.needs_input_grad[0]:
            share = np.divide(dy, saved.steps, out=ctx.empty("share", dy.shape))
            dx = ctx.empty("dx", saved.shape)
            if saved.mask is None:
                np.copyto(dx, share[:, None])
            else:
                dx.fill(0)
                np.copyto(dx, share[:, None], where=saved.mask[..., None])
        return dx if saved.mask is None else (dx, None)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4, 2), linear=True)
        yield Example(cls(), (None, 2), linear=True)
        yield Example(cls(), (None, 3), (None,), draw=sequence_and_mask)
