"""Permute: the same numbers with their axes in another order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from attrs import Attribute, field

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk.errors import ShapeError


def _each_once(_: object, attribute: Attribute[Any], axes: tuple[int, ...]) -> None:
    """Refuse what does not name each axis behind the batch once."""
    if sorted(axes) != list(range(1, len(axes) + 1)):
        raise ValueError(
            f"'{attribute.name}' must hold each of 1 to {len(axes)} once (0, the batch, stays "
            f"first), found {axes}"
        )


@define
class Permute(Layer):
    """y[n, i_1, i_2, ...] = x with its axes in the order `axes`: axis k of y is axes[k - 1] of x.

    x (...) -> y (...). Axes are those of the arrays: 0 is the batch, which stays first and is not
    named; 1 is the one behind it. (2, 1) exchanges two axes.
    """

    kind: ClassVar[str] = "permute"
    gives: ClassVar[str] = "same"
    takes: ClassVar[tuple[str, ...]] = ("any",)

    axes: tuple[int, ...] = field(validator=_each_once)

    def declare(self, x: Shape) -> Declaration:
        if len(x) != len(self.axes):
            raise ShapeError(
                f"wanted {len(self.axes)} axes beside the batch, as many as axes={self.axes} "
                f"names, found {x}"
            )
        return Declaration(tuple(x[axis - 1] for axis in self.axes))

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, None]:
        turned = x.transpose(0, *self.axes)
        y = ctx.empty("y", turned.shape, x.dtype)
        np.copyto(y, turned)
        return y, None

    def backward(
        self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        turned = dy.transpose(np.argsort((0, *self.axes)))
        dx = ctx.empty("dx", turned.shape)
        np.copyto(dx, turned)
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(axes=(2, 1)), (2, 3), linear=True)
        yield Example(cls(axes=(3, 1, 2)), (2, 3, 4), linear=True)
        yield Example(cls(axes=(2, 1)), (None, 2), linear=True)
