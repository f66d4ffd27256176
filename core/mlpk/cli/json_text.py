"""JSON for people where it is short, and for programs where a file made it long."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

__all__ = ["json_text"]

# Indenting is left to Python alone, which takes it half a minute for the longest of headers.
_INDENTED: Final = 256 * 2**10


def json_text(told: Any, other: Callable[[Any], Any]) -> str:
    """Return a value as JSON; `other` makes plain data of what JSON does not know."""
    text = json.dumps(told, default=other)
    return text if len(text) > _INDENTED else json.dumps(told, indent=2, default=other)
