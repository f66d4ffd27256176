"""Sinusoidal positions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import gt
from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape

from mlpk_attention.sequence_shapes import sequence_width


@define
class PositionalEncoding(Layer):
    """y[t] = x[t] + p[t], p[t, 2i] = sin(t / base**(2i / width)), p[t, 2i + 1] = cos(the same).

    x (n, T, width) -> y alike, for any T; steps count from 0. Nothing is trained. base > 0.
    Vaswani et al., Attention is all you need, 2017, section 3.5.
    """

    kind: ClassVar[str] = "positional_encoding"

    base: float = field(default=10000.0, validator=gt(0))

    def declare(self, x: Shape) -> Declaration:
        sequence_width(x, "a sequence")
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, None]:
        positions = _positions(x.shape[1], x.shape[2], self.base, ctx.dtype)
        return np.add(x, positions, out=ctx.empty("y", x.shape)), None

    def backward(self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads) -> Array:
        return dy

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3, 4), linear=True)
        yield Example(cls(base=20.0), (None, 3), linear=True)


@lru_cache(maxsize=8)
def _positions(steps: int, width: int, base: float, dtype: np.dtype[np.floating]) -> Array:
    """Return p (steps, width), worked out in float64: far out, float32 would lose the angle."""
    even = np.arange(0, width, 2)
    angles = np.arange(steps)[:, None] * base ** (-even / width)
    positions = np.empty((steps, width), dtype)
    positions[:, ::2] = np.sin(angles)
    positions[:, 1::2] = np.cos(angles[:, : width // 2])
    positions.flags.writeable = False
    return positions
