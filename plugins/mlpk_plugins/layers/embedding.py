"""Embedding: a row of numbers for each index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import ge

from mlpk import Context, DataError, Declaration, Example, Initializer, Layer, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape


@define
class Embedding(Layer):
    """y = W[x]: for each index the row of that number.

    x (...) whole numbers from 0 to entries - 1 -> y (..., units); weight (entries, units). An
    index out of range is a `DataError`. dW is zero but for the rows used: row k is the sum of dy
    over the places where x is k. An index has no gradient.

    entries >= 1, units >= 1. Bengio et al., A neural probabilistic language model, JMLR 2003.
    """

    kind: ClassVar[str] = "embedding"
    takes: ClassVar[tuple[str, ...]] = ("integers",)

    entries: int = field(validator=ge(1))
    units: int = field(validator=ge(1))
    init: Initializer | str = "uniform"

    def declare(self, x: Shape) -> Declaration:
        params = {"weight": Param((self.entries, self.units), self.init)}
        return Declaration((*x, self.units), params, positions=(0,))

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        self.check(x)
        indices = ctx.empty("indices", x.shape, np.intp)
        np.copyto(indices, x, casting="same_kind")
        # With mode "clip" NumPy writes straight into `out`; the indices are known to be in range.
        y = ctx.empty("y", (*x.shape, self.units))
        return np.take(arrays["weight"], indices, axis=0, out=y, mode="clip"), indices

    def check(self, x: Array) -> None:
        if x.min(initial=0) < 0 or x.max(initial=0) >= self.entries:
            place = tuple(np.argwhere((x < 0) | (x >= self.entries))[0])
            row = int(place[0])
            wanted = f"wanted indices from 0 to {self.entries - 1}, found {x[place]} in row {row}"
            raise DataError(wanted, row)

    def backward(
        self, arrays: Arrays, ctx: Context, indices: Array, dy: Array, grads: Grads
    ) -> None:
        dweight = grads["weight"]
        dweight.fill(0)
        count = indices.size
        if count == 0:
            return
        # Sorted in place as index * count + place, equal indices come to lie side by side, in
        # the order of their places: the sum is the same each time, and nothing is allocated.
        keys = ctx.empty("keys", (count,), np.int64)
        order = ctx.empty("order", (count,), np.int64)
        np.multiply(indices.reshape(-1), count, out=keys)
        order.fill(1)
        order[0] = 0
        keys += np.cumsum(order, out=order)
        keys.sort()
        np.divmod(keys, count, out=(keys, order))
        ordered = ctx.empty("ordered", (count, self.units))
        np.take(ctx.contiguous("dy", dy).reshape(count, -1), order, 0, out=ordered, mode="clip")
        starts = ctx.empty("starts", (count,), np.bool_)
        starts[0] = True
        np.not_equal(keys[1:], keys[:-1], out=starts[1:])
        begin = np.flatnonzero(starts)
        dweight[keys[begin]] = np.add.reduceat(ordered, begin, axis=0)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(
            cls(entries=4, units=3), (5,), draw=lambda rng, n: rng.integers(4, size=(n, 5))
        )
        yield Example(cls(entries=9, units=2), (), draw=lambda rng, n: rng.integers(9, size=n))
        yield Example(
            cls(entries=3, units=2), (None, 2), draw=lambda rng, n: rng.integers(3, size=(n, 5, 2))
        )
