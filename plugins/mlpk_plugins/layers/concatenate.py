"""Concatenate: several inputs behind each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import ClassVar

import numpy as np
from attrs import field

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk.errors import ShapeError
from mlpk_plugins.layers.parts.agreement import agreed
from mlpk_plugins.layers.parts.batch_axis import not_the_batch


@define
class Concatenate(Layer):
    """y = [x_1, x_2, ...], joined along `axis`.

    Two or more inputs, of one shape but for that axis -> y, whose length there is their sum. Axes
    are those of the arrays: 0 is the batch, which is refused, 1 the one behind it, -1 the last.
    """

    kind: ClassVar[str] = "concatenate"

    axis: int = field(default=-1, validator=not_the_batch)

    def declare(self, *inputs: Shape) -> Declaration:
        rank = len(inputs[0]) if inputs else 0
        if rank == 0:
            raise ShapeError(
                "wanted inputs with an axis beside the batch to join along, found none"
            )
        axis = self.axis - 1 if self.axis > 0 else rank + self.axis
        if not 0 <= axis < rank:
            raise ShapeError(f"wanted axis 1 to {rank} or -{rank} to -1, found {self.axis}")
        output = list(agreed(inputs, free=axis))
        lengths = [shape[axis] for shape in inputs]
        output[axis] = None if None in lengths else sum(map(known, lengths))
        return Declaration(tuple(output))

    def forward(
        self, arrays: Arrays, ctx: Context, *inputs: Array
    ) -> tuple[Array, tuple[int, ...]]:
        agreed([x.shape for x in inputs], free=self.axis % inputs[0].ndim)
        stops = tuple(accumulate(x.shape[self.axis] for x in inputs))
        shape = list(inputs[0].shape)
        shape[self.axis] = stops[-1]
        return np.concatenate(inputs, self.axis, out=ctx.empty("y", (*shape,))), stops

    def backward(
        self, arrays: Arrays, ctx: Context, stops: tuple[int, ...], dy: Array, grads: Grads
    ) -> tuple[Array | None, ...]:
        return tuple(
            part if needed else None
            for part, needed in zip(
                np.split(dy, stops[:-1], self.axis), ctx.needs_input_grad, strict=True
            )
        )

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (2,), (3,), linear=True)
        yield Example(cls(axis=1), (2, 3), (1, 3), (4, 3), linear=True)
        yield Example(cls(axis=-1), (None, 2), (None, 1), linear=True)
