"""The same instance on other inputs: larger, of other lengths, of other ranks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from mlpk.arrays import Array
from mlpk.declaration import Shape
from mlpk.errors import ShapeError
from mlpk.example import Example
from mlpk.layer import Layer
from mlpk.symbol import declared

__all__ = ["declares", "enlarged", "of_any_rank", "of_unknown_length"]

# By how much each axis grows, by the rank of a row: about sixteen times the values.
FACTORS = {1: 16, 2: 4, 3: 3}
RANKS = range(6)


def declares(example: Example) -> bool:
    """Tell whether the layer takes inputs of these shapes; no other error will do than its own."""
    assert isinstance(example.instance, Layer)
    try:
        declared(example.instance, example.input_shapes, example.instance.kind)
    except ShapeError:
        return False
    return True


def enlarged(example: Example) -> Example:
    """Return the largest variation whose shapes the layer takes, the example itself if none.

    Lengths of one stay: something is broadcast along them. Real inputs of a linear layer are
    drawn anew, others repeat what the example draws.
    """
    factor = FACTORS.get(max(map(len, example.input_shapes)), 2)
    for kept in (0, 1):  # the last axis too, or it alone stays
        factors = [
            [
                factor if length != 1 and axis < len(shape) - kept else 1
                for axis, length in enumerate(shape)
            ]
            for shape in example.input_shapes
        ]
        shapes = [
            tuple(n if n is None else n * times for n, times in zip(shape, by, strict=True))
            for shape, by in zip(example.input_shapes, factors, strict=True)
        ]

        def draw(
            rng: np.random.Generator, n: int, factors: list[list[int]] = factors
        ) -> tuple[Array, ...]:
            tiled = (
                np.tile(np.asarray(drawn), (1, *by))
                for drawn, by in zip(example.inputs(rng, n), factors, strict=True)
            )
            return tuple(
                rng.standard_normal(array.shape)
                if example.linear and array.dtype.kind == "f"
                else array
                for array in tiled
            )

        larger = Example(example.instance, *shapes, draw=draw, linear=example.linear)
        if declares(larger):
            return larger
    return example


def of_unknown_length(example: Example) -> Iterator[Example]:
    """Yield variations that take the same inputs and know less of their lengths."""
    shapes = example.input_shapes
    rank = max(map(len, shapes))
    for unknown in [{axis} for axis in range(rank)] + [set(range(rank))]:
        less = [tuple(None if a in unknown else n for a, n in enumerate(s)) for s in shapes]
        varied = Example(example.instance, *less, draw=example.inputs)
        if less != list(shapes) and declares(varied):
            yield varied


def of_any_rank(example: Example) -> Iterator[Example]:
    """Yield variations of every rank and with lengths of one, as far as the layer takes them."""
    shapes = example.input_shapes
    alike = (((n,) * rank,) * len(shapes) for rank, n in product(RANKS, (1, 2, 4)))
    kinds = [np.asarray(drawn).dtype for drawn in example.inputs(np.random.default_rng(0), 1)]
    for varied in (
        *alike,
        tuple(shape[1:] for shape in shapes),
        tuple((2, *shape) for shape in shapes),
        tuple((1,) * len(shape) for shape in shapes),
    ):

        def draw(
            rng: np.random.Generator, n: int, varied: tuple[Shape, ...] = varied
        ) -> tuple[Array, ...]:
            return tuple(
                rng.standard_normal(_filled(n, shape))
                if kind.kind == "f"
                else np.zeros(_filled(n, shape), kind)
                for shape, kind in zip(varied, kinds, strict=True)
            )

        case = Example(example.instance, *varied, draw=draw)
        if declares(case):
            yield case


def _filled(rows: int, shape: Shape) -> tuple[int, ...]:
    return rows, *(5 if length is None else length for length in shape)
