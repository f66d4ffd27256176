"""The arrays of a file, read into the memory of a model, after the migrations of its kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import attrs
import numpy as np

from mlpk.arrays import Array
from mlpk.errors import FileFormatError
from mlpk.file import reader
from mlpk.file.older.upgraded import Upgraded
from mlpk.file.refusal import escaped, refusal
from mlpk.file.source import Source
from mlpk.file.verification import verify
from mlpk.stored import Stored
from mlpk_schemas.file import Header

__all__ = ["Filling"]


@attrs.define
class Filling:
    """One reading of a file's arrays. `header` is the file's own, `file` what was made of it."""

    source: Source
    header: Header
    file: Upgraded
    verify: Literal["full", "header"]
    mmap: bool = attrs.field(default=False, kw_only=True)
    _seen: set[str] = attrs.field(factory=set, init=False)

    def arrays(
        self, names: Iterable[str], into: Mapping[str, Array] | None = None
    ) -> dict[str, Array]:
        """Return arrays by name, in memory of their own or in that of `into`.

        What migrations make is read and made one array after the other, always in private memory.
        """
        made = self.file.made
        names = list(names)
        plain = [name for name in names if name not in made]
        held = self._read(plain, into)
        for name in names:
            if name in made:
                array = self._made(made[name])
                if into is None:
                    held[name] = np.array(array, order="C")
                else:
                    into[name][...] = array
                    held[name] = into[name]
        return held

    def verify_rest(self) -> None:
        """Read what nobody asked for as well, so that every byte was verified."""
        if self.verify == "full":
            verify(self.source, self.header, self.header.tensors.keys() - self._seen)

    def _read(self, names: list[str], into: Mapping[str, Array] | None) -> dict[str, Array]:
        self._seen.update(names)
        if self.mmap:
            return reader.read_arrays(
                self.source, self.header, names=names, verify=self.verify, mmap=True
            )
        return reader.read_arrays(
            self.source, self.header, names=names, into=into, verify=self.verify
        )

    def _made(self, array: Stored) -> Array:
        sources = list(array.sources)
        self._seen.update(sources)
        tensors = reader.read_arrays(self.source, self.header, names=sources, verify=self.verify)
        with refusal(self.source.path):
            try:
                return array.taken(tensors)
            except (
                Exception
            ) as error:  # whatever a plugin makes of arrays that are not as they were
                problem = f"a migration failed: {type(error).__name__}: {error}"
                raise FileFormatError(escaped(problem, 320)) from error
