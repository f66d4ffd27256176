"""A matrix on both sides of a small grid of vectors: y = M x M', for a vector of channels at once.

What a compiler makes of loops over a grid asks anew for each vector whether arrays overlap, and
multiplies by 0 and 1. So the sums are spelled out for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from mlpk_numba.pointers import pointer_to, real_of
from mlpk_numba.tile import VECTOR_BYTES

__all__ = ["sandwich"]

Matrix = tuple[tuple[float, ...], ...]


def sandwich(matrix: Matrix, axis_of_x: int, axis_of_y: int) -> Callable[..., None]:
    """Return a compiled function of x, at, y and to, which writes y = M x M' for one vector.

    x and y have four axes, the last in one piece. Their grids begin at the places `at` and `to` and
    lie along the axis that is named here and the next: as many elements as M has columns, or rows.
    """

    @intrinsic
    def write(typing_context: Any, x: Any, at: Any, y: Any, to: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            source, target = (
                _Grid(context, builder, signature.args[k], *arguments[k : k + 2], axis, count)
                for k, axis, count in ((0, axis_of_x, len(matrix[0])), (2, axis_of_y, len(matrix)))
            )
            turned = [_times(builder, matrix, row) for row in source.vectors()]  # x M'
            columns = (_times(builder, matrix, column) for column in zip(*turned, strict=True))
            target.store(zip(*columns, strict=True))
            return context.get_dummy_value()

        return types.void(x, at, y, to), generate

    made: Callable[..., None] = write
    return made


class _Grid:
    """Where the vectors of a square grid lie in an array, row by row."""

    def __init__(
        self, context: Any, builder: Any, kind: Any, array: Any, at: Any, axis: int, count: int
    ) -> None:
        real, size = real_of(kind.dtype)
        vector = ir.VectorType(real, VECTOR_BYTES // size).as_pointer()
        start, strides = pointer_to(context, builder, kind, array, at)
        down, across = strides[axis : axis + 2]

        def place(row: int, column: int) -> Any:
            steps = builder.add(
                builder.mul(down, ir.Constant(down.type, row)),
                builder.mul(across, ir.Constant(across.type, column)),
            )
            return builder.bitcast(builder.gep(start, [steps]), vector)

        self.builder = builder
        self.size = size
        self.places = [[place(row, column) for column in range(count)] for row in range(count)]

    def vectors(self) -> list[list[Any]]:
        return [[self._load(place) for place in row] for row in self.places]

    def store(self, rows: Iterable[Iterable[Any]]) -> None:
        for places, vectors in zip(self.places, rows, strict=True):
            for place, vector in zip(places, vectors, strict=True):
                self.builder.store(vector, place).align = self.size

    def _load(self, place: Any) -> Any:
        loaded = self.builder.load(place)
        loaded.align = self.size
        return loaded


def _times(builder: Any, matrix: Matrix, vectors: Iterable[Any]) -> list[Any]:
    """Return M v, where the elements of v are vectors; each row of M has a number above 0."""
    given, products = list(vectors), []
    for row in matrix:
        terms = [(number, vector) for number, vector in zip(row, given, strict=True) if number]
        total = None
        for number, vector in sorted(terms, key=lambda term: term[0] < 0):
            size = abs(number)
            everywhere = ir.Constant(vector.type, [size] * vector.type.count)
            term = vector if size == 1 else builder.fmul(vector, everywhere)
            if total is None:
                total = term
            else:
                total = (builder.fadd if number > 0 else builder.fsub)(total, term)
        products.append(total)
    return products
