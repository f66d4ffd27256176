"""Reading tensors for their digests alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlpk.file import reader
from mlpk.file.source import Source
from mlpk_schemas.file import Header

__all__ = ["verify"]

# Tensors are read together up to this size, so that many small ones take no time each and large
# ones no more memory than they need.
GROUP = 64 * 2**20


def verify(source: Source, header: Header, names: Iterable[str] | None = None) -> None:
    """Compare every byte of the tensors with what the header says of them; keep none in memory."""
    for group in _groups(header, set(header.tensors if names is None else names)):
        reader.read_arrays(source, header, names=group)


def _groups(header: Header, names: set[str]) -> Iterator[list[str]]:
    group: list[str] = []
    size = 0
    for name, entry in header.tensors.items():
        if name not in names:
            continue
        if group and size + entry.nbytes > GROUP:
            yield group
            group, size = [], 0
        group.append(name)
        size += entry.nbytes
    if group:
        yield group
