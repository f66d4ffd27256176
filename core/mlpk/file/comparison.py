"""Two files side by side: what differs between their headers, and between their arrays."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from enum import Enum
from itertools import zip_longest
from typing import Any, Final, Literal, TypeAlias

import attrs
import numpy as np

from mlpk.arrays import Array
from mlpk.file import reader
from mlpk.file.prelude import PRELUDE_SIZE, VERSION, parse
from mlpk.file.source import Source
from mlpk.file.verification import verify
from mlpk_schemas.file import Header, TensorEntry
from mlpk_schemas.model import ModelSpec
from mlpk_schemas.records import values

__all__ = ["ABSENT", "ArrayDifference", "Comparison", "Difference", "compared"]

Role: TypeAlias = Literal["added", "removed", "shape", "dtype", "values"]


class Absent(Enum):
    """What stands in the place of a field that one of the two does not have."""

    ABSENT = "-"


ABSENT: Final = Absent.ABSENT
REST: Final = ("generator", "plugins", "critical", "ext")


@attrs.frozen
class Difference:
    """A field that is not the same in both, by its path; `ABSENT` where one of them has none."""

    where: str
    a: Any
    b: Any


@attrs.frozen
class ArrayDifference:
    """An array that is not the same in both; `a` and `b` are dtype and shape.

    Of values that differ, `count` says how many, and `largest` by how much at most.
    """

    array: str
    what: Role
    a: str
    b: str
    count: int | None = None
    largest: float | None = None


@attrs.frozen
class Comparison:
    """All that differs between two files; nothing does if they have the same digest."""

    spec: tuple[Difference, ...]
    nodes: tuple[Difference, ...]
    arrays: tuple[ArrayDifference, ...]
    state: tuple[Difference, ...]
    meta: tuple[Difference, ...]
    file: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        return not any(attrs.astuple(self, recurse=False))


def compared(a: Source, b: Source) -> Comparison:
    """Return what differs between two files, each of which is verified to its last byte first."""
    digests = reader.digest(a), reader.digest(b)
    if digests[0] == digests[1]:
        for source in (a, b):
            _verified(source)
        return Comparison((), (), (), (), (), ())
    first, second = _verified(a), _verified(b)
    common = {node.name for node in first.spec.nodes} & {node.name for node in second.spec.nodes}
    found = Comparison(
        spec=_fields(_outside(first.spec, common), _outside(second.spec, common)),
        nodes=_fields(_nodes(first.spec), _nodes(second.spec), depth=1),
        arrays=tuple(_arrays(a, first, b, second)),
        state=_fields(_opened(first.state), _opened(second.state)),
        meta=_fields(first.meta, second.meta),
        file=_fields(_rest(a, first), _rest(b, second)),
    )
    if found.same:  # a node that stands there twice, for example, is told but once
        return attrs.evolve(found, file=(Difference("digest", *digests),))
    return found


def _verified(source: Source) -> Header:
    header = reader.read_header(source)
    verify(source, header)
    return header


def _opened(value: Any) -> Any:
    """Return records as dicts and tuples as lists; plain data stays, which may be most of a file."""
    if isinstance(value, tuple):
        return [_opened(item) for item in value]
    if attrs.has(type(value)):
        return {name: _opened(item) for name, item in values(value).items()}
    if isinstance(value, Mapping) and any(attrs.has(type(item)) for item in value.values()):
        return {name: _opened(item) for name, item in value.items()}
    return value


def _fields(a: Any, b: Any, depth: int = 0) -> tuple[Difference, ...]:
    return tuple(_differences("", a, b, depth))


def _rest(source: Source, header: Header) -> dict[str, Any]:
    minor = parse(bytes(source.read(PRELUDE_SIZE, 0)), source.size).minor
    rest = {name: _opened(getattr(header, name)) for name in REST}
    return {"version": f"{VERSION[0]}.{minor}", **rest}


def _outside(spec: ModelSpec, common: Container[str]) -> dict[str, Any]:
    """Return what a spec says beside its nodes, and the order of those that both files have."""
    return {
        "dtype": spec.dtype,
        "inputs": {given.name: _opened(given) for given in spec.inputs},
        "outputs": list(spec.outputs),
        "order of inputs": [given.name for given in spec.inputs],
        "order of nodes": [node.name for node in spec.nodes if node.name in common],
    }


def _nodes(spec: ModelSpec) -> dict[str, Any]:
    nodes: dict[str, dict[str, Any]] = {node.name: _opened(node) for node in spec.nodes}
    for node in nodes.values():
        del node["name"]
    return nodes


def _differences(where: str, a: Any, b: Any, depth: int = 0) -> Iterator[Difference]:
    """Yield the fields that differ. Down to `depth`, what only one has is told by its id alone."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in {**a, **b}:
            path = f"{where}.{key}" if where else str(key)
            left, right = a.get(key, ABSENT), b.get(key, ABSENT)
            if depth and ABSENT in (left, right):
                left, right = (each if each is ABSENT else each["id"] for each in (left, right))
            yield from _differences(path, left, right, max(depth - 1, 0))
    elif isinstance(a, list) and isinstance(b, list) and _nested(a) and _nested(b):
        for place, (left, right) in enumerate(zip_longest(a, b, fillvalue=ABSENT)):
            yield from _differences(f"{where}[{place}]", left, right)
    elif a != b or repr(a) != repr(b):  # 1, 1.0 and True are equal, and so are 0.0 and -0.0
        yield Difference(where, a, b)


def _nested(values: list[Any]) -> bool:
    return any(isinstance(value, Mapping) for value in values)


def _arrays(a: Source, first: Header, b: Source, second: Header) -> Iterator[ArrayDifference]:
    for name in sorted({**first.tensors, **second.tensors}):
        left, right = first.tensors.get(name), second.tensors.get(name)
        if left is None or right is None:
            what: Role = "added" if left is None else "removed"
            yield ArrayDifference(name, what, _described(left), _described(right))
        elif left.shape != right.shape or left.dtype != right.dtype:
            what = "shape" if left.shape != right.shape else "dtype"
            yield ArrayDifference(name, what, _described(left), _described(right))
        elif left.sha256 != right.sha256:
            described = _described(left), _described(right)
            ours = reader.read_arrays(a, first, names=[name])[name]
            theirs = reader.read_arrays(b, second, names=[name])[name]
            yield ArrayDifference(name, "values", *described, *_apart(ours, theirs))


def _described(entry: TensorEntry | None) -> str:
    return "" if entry is None else f"{entry.dtype} {entry.shape}"


def _apart(a: Array, b: Array) -> tuple[int, float]:
    """Return how many values differ, in their bits, and by how much at most; nan where that is."""
    flat = (np.atleast_1d(each).reshape(-1) for each in (a, b))
    left, right = flat
    words = f"V{left.dtype.itemsize}"
    places = np.flatnonzero(left.view(words) != right.view(words))
    left, right = left[places], right[places]
    wide = np.complex128 if left.dtype.kind == "c" else np.longdouble
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(left.astype(wide) - right.astype(wide))
    apart[np.isnan(left) & np.isnan(right)] = 0
    return len(places), float(apart.max(initial=0))
