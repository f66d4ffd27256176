"""What a plugin brought, and what became of it."""

from __future__ import annotations

from typing import Any, Literal

import attrs

__all__ = ["FIRST_PARTY", "LOCAL", "Brought", "Record"]

FIRST_PARTY = "mlpk"
LOCAL = "_local"  # owns what was added without an entry point


@attrs.frozen
class Brought:
    """One thing that a plugin brought: a class, or a dataset function."""

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
    what to know about one that is active all the same.
    """

    dist: str
    version: str
    state: Literal["active", "blocked", "failed", "conflict"]
    seconds: float
    kinds: tuple[str, ...]
    error: str | None = None
    reason: str = attrs.field(default=attrs.Factory(_last_line, takes_self=True))
    note: str = ""

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
