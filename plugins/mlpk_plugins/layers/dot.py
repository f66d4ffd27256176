"""Dot: products of two inputs, summed over an axis of each."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import ClassVar, NamedTuple

import numpy as np
from attrs import field

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk.errors import ShapeError
from mlpk_plugins.layers.parts.batch_axis import not_the_batch


class Saved(NamedTuple):
    """Both inputs, the summed axis last and the others joined: (n, ..., length)."""

    rows: tuple[Array, Array]
    rests: tuple[tuple[int, ...], tuple[int, ...]]


@define
class Dot(Layer):
    """y[n, i, j] = sum_k x_1[n, i, k] * x_2[n, j, k], k along one axis of each input.

    x_1 (i..., k), x_2 (j..., k) -> y (i..., j...), or (1,) where neither has another axis. `axes`
    are those of k in both, or one number for both; k may stand anywhere. Axes are those of the
    arrays: 0 is the batch, which is refused, 1 the one behind it, -1 the last.
    dx_1 = sum_j dy * x_2, dx_2 = sum_i dy * x_1.
    """

    kind: ClassVar[str] = "dot"

    axes: int | tuple[int, int] = field(default=-1, validator=not_the_batch)

    @property
    def pair(self) -> tuple[int, int]:
        """The summed axis of each input."""
        return (self.axes, self.axes) if isinstance(self.axes, int) else self.axes

    def declare(self, first: Shape, second: Shape) -> Declaration:
        rests, lengths = [], []
        for place, (x, axis) in enumerate(zip((first, second), self.pair, strict=True), 1):
            if not 1 <= (axis if axis > 0 else len(x) + 1 + axis) <= len(x):
                raise ShapeError(
                    f"wanted one of the {len(x)} axes of input {place} behind the batch, counted "
                    f"from 1, or from the end with -1; found {axis}"
                )
            rest = list(x)
            lengths.append(rest.pop(axis - 1 if axis > 0 else axis))
            rests += rest
        if None not in lengths and lengths[0] != lengths[1]:
            raise ShapeError(
                f"wanted the same length on the axes {self.pair} of the inputs {first} and "
                f"{second}, found {lengths[0]} and {lengths[1]}"
            )
        return Declaration(tuple(rests) or (1,))

    def forward(
        self, arrays: Arrays, ctx: Context, first: Array, second: Array
    ) -> tuple[Array, Saved]:
        self.declare(first.shape[1:], second.shape[1:])
        turned = [
            np.moveaxis(x, axis, -1) for x, axis in zip((first, second), self.pair, strict=True)
        ]
        a, b = (
            ctx.contiguous(f"x{place}", x).reshape(len(x), prod(x.shape[1:-1]), x.shape[-1])
            for place, x in enumerate(turned)
        )
        rests = turned[0].shape[1:-1], turned[1].shape[1:-1]
        y = ctx.empty("y", (len(a), a.shape[1], b.shape[1]))
        np.matmul(a, b.swapaxes(1, 2), out=y)
        return y.reshape(len(y), *(rests[0] + rests[1] or (1,))), Saved((a, b), rests)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Saved, doutput: Array, grads: Grads
    ) -> tuple[Array | None, ...]:
        a, b = saved.rows
        dy = ctx.contiguous("dy", doutput).reshape(len(a), a.shape[1], b.shape[1])
        found: list[Array | None] = []
        for place, (factor, other, x) in enumerate(((dy, b, a), (dy.swapaxes(1, 2), a, b))):
            if not ctx.needs_input_grad[place]:
                found.append(None)
                continue
            dx = np.matmul(factor, other, out=ctx.empty(f"dx{place}", x.shape))
            dx = dx.reshape(len(x), *saved.rests[place], x.shape[-1])
            found.append(np.moveaxis(dx, -1, self.pair[place]))
        return tuple(found)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,), (3,))
        yield Example(cls(), (2, 4), (3, 4))
        yield Example(cls(axes=(1, 2)), (4, 2), (3, 4, 2))
        yield Example(cls(axes=(-1, 1)), (None, 2), (2, None))
