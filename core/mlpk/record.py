"""What a plugin brought, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import attrs

__all__ = ["FIRST_PARTY", "IMPLEMENTATIONS", "LOCAL", "Brought", "Record"]

FIRST_PARTY = "mlpk"
LOCAL = "_local"  # owns what was added without an entry point
IMPLEMENTATIONS = "implementations"  # what is brought beside the families of kinds


@attrs.frozen
class Brought:
    """One thing that a plugin brought: a class, a dataset function, or an implementation.

    The `kind` of an implementation is the name, or the id, of the kind that it implements.
    """

    family: str
    kind: str
    dist: str
    thing: Any

    @property
    def id(self) -> str:
        """The name that files store: bare for first-party kinds, else "distribution:kind"."""
        return self.kind if self.dist == FIRST_PARTY else f"{self.dist}:{self.kind}"


def _last_line(record: Record) -> str:
    return (record.error or "").rstrip().rpartition("\n")[2]


@attrs.frozen
class Record:
    """What became of one plugin.

    `error` is its traceback, or why it is not active, and `reason` that in one line; `note` is
    what to know about one that is active all the same. `implements` are the kinds that it has
    faster functions for, whether or not these are in force.
    """

    dist: str
    version: str
    state: Literal["active", "blocked", "failed", "conflict"]
    seconds: float
    kinds: tuple[str, ...]
    error: str | None = None
    reason: str = attrs.field(default=attrs.Factory(_last_line, takes_self=True))
    note: str = ""
    implements: tuple[str, ...] = ()

    @classmethod
    def active(cls, dist: str, version: str, seconds: float, brought: Sequence[Brought]) -> Record:
        """Return the record of a plugin that is active with what it brought."""
        kinds = sorted(item.id for item in brought if item.family != IMPLEMENTATIONS)
        implements = sorted(item.kind for item in brought if item.family == IMPLEMENTATIONS)
        return cls(dist, version, "active", seconds, tuple(kinds), implements=tuple(implements))

    @property
    def named(self) -> str:
        """The distribution with its version, as far as it has one."""
        return f"{self.dist} {self.version}".strip()

    @property
    def fate(self) -> str:
        """What to say became of it, after its name."""
        return {"failed": "failed to load", "conflict": "is in conflict"}.get(
            self.state, f"is {self.state}"
        )

    @property
    def broken(self) -> bool:
        """Whether it is left out though nobody asked for that."""
        return self.state in ("failed", "conflict")
