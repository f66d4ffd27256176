"""A small product whose sums stay in the processor's registers until they are done.

What a compiler makes of loops over c[r, f] += a[r, i, k] * b[i, k, f] goes to memory with every
sum. So this one loop is spelled out for it, with vectors of the length that the processor has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.extending import intrinsic

from mlpk_numba.pointers import real_of

__all__ = ["ROWS", "VECTORS", "VECTOR_BYTES", "tile"]

FEATURES = binding.get_host_cpu_features()
VECTOR_BYTES = 64 if FEATURES.get("avx512f") else 32 if FEATURES.get("avx") else 16
VECTORS = 2  # side by side: no tile is wider
# ROWS x VECTORS sums, and what is multiplied, have to fit the registers, of which there are 32 or 16.
ROWS = 4 if FEATURES.get("sse2") and not FEATURES.get("avx512f") else 8

Index = ir.IntType(64)


def tile(rows: int, vectors: int) -> Callable[..., None]:
    """Return a compiled function of o, p, q, f, a, b, begin and c.

    a is (P, Q, I, K), b (O, I, K, columns), begin and c are (P, Q, columns). For `rows` rows r from q
    on and columns f of so many vectors it makes c[p, r, f] = begin[p, r, f] + sum over i, k of
    a[p, r, i, k] * b[o, i, k, f], and may be called by compiled functions. Places are handed over
    beside whole arrays: to cut an array takes longer than some tiles. The last axes of all but a lie
    in one piece, all others anywhere; I and K are above 0.
    """

    @intrinsic
    def multiply_add(
        typing_context: Any, o: Any, p: Any, q: Any, f: Any, a: Any, b: Any, begin: Any, c: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            arrays = [
                context.make_array(kind)(context, builder, value)
                for kind, value in zip(signature.args[4:], arguments[4:], strict=True)
            ]
            _Loop(builder, arguments[:4], arrays, *real_of(c.dtype), rows, vectors).write()
            return context.get_dummy_value()

        return types.void(*[types.intp] * 4, a, b, begin, c), generate

    made: Callable[..., None] = multiply_add
    return made


class _Loop:
    """The code of one tile, as it is being written."""

    def __init__(
        self,
        builder: Any,
        places: list[Any],
        arrays: list[Any],
        real: Any,
        size: int,
        rows: int,
        vectors: int,
    ) -> None:
        self.builder = builder
        self.size = size
        self.rows = rows
        self.vectors = vectors
        self.lanes = VECTOR_BYTES // size
        self.vector = ir.VectorType(real, self.lanes)
        self.real = real
        a, b, begin, c = arrays
        o, p, q, f = places
        start = builder.mul(f, _number(size))
        self.a, (_, self.a_row, self.a_outer, self.a_inner) = self._from(a, 4, (p, q), _number(0))
        self.b, (_, self.b_outer, self.b_inner, _) = self._from(b, 4, (o,), start)
        self.begin, (_, self.begin_row, _) = self._from(begin, 3, (p, q), start)
        self.c, (_, self.c_row, _) = self._from(c, 3, (p, q), start)
        _, self.outer, self.inner, _ = self._numbers(b.shape, 4)

    def _from(
        self, array: Any, axes: int, place: tuple[Any, ...], start: Any
    ) -> tuple[Any, list[Any]]:
        """Return where an array begins, `start` bytes on from a place of its first axes; its strides."""
        pointer = self._at(self.builder.bitcast(array.data, ir.IntType(8).as_pointer()), start)
        strides = self._numbers(array.strides, axes)
        for index, stride in zip(place, strides, strict=False):
            pointer = self._at(pointer, self.builder.mul(stride, index))
        return pointer, strides

    def write(self) -> None:
        """Write two loops, over i and k, that hand all sums on from turn to turn."""
        sums = [self._vector_at(place) for place in self._places(self.begin, self.begin_row)]
        sums = self._loop(
            self.outer, (self.a, self.b), (self.a_outer, self.b_outer), sums, self._run
        )
        for place, total in zip(self._places(self.c, self.c_row), sums, strict=True):
            stored = self.builder.store(
                total, self.builder.bitcast(place, self.vector.as_pointer())
            )
            stored.align = self.size

    def _places(self, start: Any, stride: Any) -> list[Any]:
        """Return where the vectors of the tile lie."""
        return [
            self._at(start, self._times(stride, row), lane * VECTOR_BYTES)
            for row in range(self.rows)
            for lane in range(self.vectors)
        ]

    def _run(self, a: Any, b: Any, sums: list[Any]) -> list[Any]:
        return self._loop(
            self.inner, (a, b), (self.a_inner, self.b_inner), sums, self._multiply_add
        )

    def _multiply_add(self, a: Any, b: Any, sums: list[Any]) -> list[Any]:
        factors = [
            self._vector_at(self._at(b, None, lane * VECTOR_BYTES)) for lane in range(self.vectors)
        ]
        added = []
        for row in range(self.rows):
            number = self._everywhere(self._at(a, self._times(self.a_row, row)))
            for lane, factor in enumerate(factors):
                product = self.builder.fmul(number, factor, flags=("contract",))
                total = sums[row * self.vectors + lane]
                added.append(self.builder.fadd(total, product, flags=("contract",)))
        return added

    def _loop(
        self,
        count: Any,
        starts: tuple[Any, Any],
        steps: tuple[Any, Any],
        sums: list[Any],
        body: Callable[[Any, Any, list[Any]], list[Any]],
    ) -> list[Any]:
        """Write a loop of `count` turns over two pointers that take steps; return the last sums."""
        builder, before = self.builder, self.builder.block
        turn, after = (builder.append_basic_block(name) for name in ("turn", "after"))
        builder.branch(turn)
        builder.position_at_end(turn)
        number = builder.phi(Index)
        pointers = [builder.phi(start.type) for start in starts]
        carried = [builder.phi(self.vector) for _ in sums]
        for phi, first in zip(
            [number, *pointers, *carried], [_number(0), *starts, *sums], strict=True
        ):
            phi.add_incoming(first, before)
        made = body(pointers[0], pointers[1], carried)
        end, following = builder.block, builder.add(number, _number(1))
        moved = [self._at(each, step) for each, step in zip(pointers, steps, strict=True)]
        for phi, later in zip(
            [number, *pointers, *carried], [following, *moved, *made], strict=True
        ):
            phi.add_incoming(later, end)
        builder.cbranch(builder.icmp_signed("<", following, count), turn, after)
        builder.position_at_end(after)
        return made

    def _numbers(self, field: Any, count: int) -> list[Any]:
        return [self.builder.extract_value(field, place) for place in range(count)]

    def _times(self, stride: Any, count: int) -> Any:
        return self.builder.mul(stride, _number(count))

    def _at(self, pointer: Any, stride: Any | None, offset: int = 0) -> Any:
        place = _number(offset) if stride is None else self.builder.add(stride, _number(offset))
        return self.builder.gep(pointer, [place])

    def _vector_at(self, place: Any) -> Any:
        loaded = self.builder.load(self.builder.bitcast(place, self.vector.as_pointer()))
        loaded.align = self.size
        return loaded

    def _everywhere(self, place: Any) -> Any:
        """Return a vector with the number at this place in all lanes."""
        number = self.builder.load(self.builder.bitcast(place, self.real.as_pointer()))
        nothing = ir.Constant(self.vector, ir.Undefined)
        one = self.builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        return self.builder.shuffle_vector(one, nothing, lanes)


def _number(count: int) -> Any:
    return ir.Constant(Index, count)
