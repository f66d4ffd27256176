"""Text on the way to a terminal: results, and what a file says, made harmless."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from mlpk.arrays import Array

__all__ = ["clean", "results"]


def results(found: Mapping[str, Any]) -> str:
    """Return a line for each result: its name and its value."""
    width = max(map(len, found), default=0)
    return "\n".join(f"{name:{width}}  {_value(value)}" for name, value in found.items())


def clean(text: str) -> str:
    """Return text from a file or the system without what would steer or stop standard output."""
    encoding = sys.stdout.encoding or "ascii"
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return safe.encode(encoding, "backslashreplace").decode(encoding)


def _value(value: float | Array) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).replace("\n", " ")
