"""A file taken apart, to be changed anywhere and put together again with digests that are right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from handmade import SIZES, contents, sealed, table
from oracle import read
from spelling import Raw, encode

Edit = Callable[[bytearray], object]
Place = tuple[Any, Any]


class Draft:
    """The header's tree, the tensors, and changes to make to their bytes once they are written."""

    def __init__(self, data: bytes) -> None:
        found = read(data)
        self.tree = deepcopy(found.header)
        self.tensors = {
            name: (dtype, list(shape), content)
            for name, (dtype, shape, content) in found.arrays.items()
        }
        self.version = bytearray(data[14:16])
        self.head: list[Edit] = []
        self.body: list[Edit] = []
        self.file: list[Edit] = []

    def lay(self) -> None:
        """Make the table of tensors say what the tensors are."""
        self.tree["tensors"] = table(self.tensors)

    def size(self, name: str) -> int:
        """Return how many bytes an item of a tensor takes."""
        return SIZES[self.tensors[name][0]]

    def built(self) -> bytes:
        """Return the file; `file` edits come last and see to their own digests."""
        head = bytearray(_head(self.tree))
        body = bytearray(contents(self.tensors))
        for edit in self.head:
            edit(head)
        for edit in self.body:
            edit(body)
        file = bytearray(sealed(bytes(head), bytes(body), version=bytes(self.version)))
        for edit in self.file:
            edit(file)
        return bytes(file)


def places(tree: Any) -> Iterator[Place]:
    """Yield (holder, key) of each value inside a tree."""
    if isinstance(tree, dict | list):
        for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
            yield tree, key
            yield from places(value)


def _head(tree: Any) -> bytes:
    """Return a header's bytes, of a length that it may have if there is where to put the rest."""
    if not isinstance(tree, dict):
        return encode(tree)
    parts: dict[str, Any] = {key: Raw(encode(value)) for key, value in tree.items()}
    pad, generator = tree.get("pad"), tree.get("generator")
    if isinstance(pad, bytes) and not any(pad):
        # A pad that is too long stays so.
        base = len(encode({**parts, "pad": b""}))
        parts["pad"] = bytes((54 - base) % 64 + len(pad) // 64 * 64)
    elif isinstance(generator, str):
        short = (54 - len(encode(parts))) % 64
        # The text's own length may take a byte or two more then.
        fillers = (generator + " " * (short - less) for less in range(3))
        parts["generator"] = next(
            (each for each in fillers if len(encode({**parts, "generator": each})) % 64 == 54),
            generator,
        )
    return encode(parts)
