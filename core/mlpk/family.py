"""What users see of the catalog in force: one mapping a family, `mlpk.layers` and its siblings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlpk import catalog

__all__ = ["Family"]


class Family(Mapping[str, Any]):
    """The current catalog's view of one family: a mapping, with attribute access and completion."""

    def __init__(self, family: str) -> None:
        self._family = family

    def __getitem__(self, name: str) -> Any:
        return catalog.current().find(self._family, name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # probed by copy, pickle and notebooks; no kind is called so
            raise AttributeError(name)
        return catalog.current().find(self._family, name)

    def __contains__(self, name: object) -> bool:
        active = catalog.current()
        return name in active.names(self._family) or (
            isinstance(name, str) and active.has(self._family, name)
        )

    def __iter__(self) -> Iterator[str]:
        return iter(catalog.current().names(self._family))

    def __len__(self) -> int:
        return len(catalog.current().names(self._family))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(name for name in self if name.isidentifier())]

    def __repr__(self) -> str:
        return f"<mlpk.{self._family}: {', '.join(self)}>"
