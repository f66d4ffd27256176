"""Gaussian noise: in training, normal random numbers are added."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import field
from attrs.validators import ge

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape


@define
class GaussianNoise(Layer):
    """y = x + std * e in training, e ~ N(0, 1) drawn anew for each value; y = x otherwise.

    x (...) -> y (...); std >= 0. At std 0 no random number is drawn.
    """

    kind: ClassVar[str] = "gaussian_noise"
    gives: ClassVar[str] = "same"

    std: float = field(validator=ge(0))

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, None]:
        if not ctx.training or self.std == 0:
            return x, None
        y = ctx.empty("y", x.shape)
        ctx.rng.standard_normal(out=y, dtype=ctx.dtype)  # type: ignore[arg-type] # float32 or float64
        y *= self.std
        y += x
        return y, None

    def backward(
        self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads
    ) -> Array | None:
        return dy if ctx.needs_input_grad[0] else None

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(std=0.4), (6,), linear=True)
        yield Example(cls(std=0.0), (6,), linear=True)
        yield Example(cls(std=2.0), (None, 3), linear=True)
