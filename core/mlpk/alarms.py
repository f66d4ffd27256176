"""Alarms of floating-point arithmetic, and where they are silent."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar, Token, copy_context
from typing import Any

import numpy as np

__all__ = ["muted"]

SILENT = {"over": "ignore", "under": "ignore", "invalid": "ignore", "divide": "ignore"}


def muted() -> AbstractContextManager[object]:
    """Return a context without alarms, in which core runs layers, losses, optimizers and metrics.

    Of infinite, missing and very large numbers they make what IEEE 754 says, and the caller sees
    it: in an output, or in a loss that is not finite. A layer mutes nothing by itself, so that the
    conformance kit hears of what goes wrong on ordinary numbers.
    """
    return np.errstate(**SILENT) if _silent is None else _Muted(*_silent)  # type: ignore[arg-type] # the words of NumPy


class _Muted:
    """What `np.errstate` does, with a setting that is made already: a small step has no time to."""

    __slots__ = ("_setting", "_token", "_variable")

    def __init__(self, variable: ContextVar[Any], setting: object) -> None:
        self._variable, self._setting = variable, setting
        self._token: Token[Any]

    def __enter__(self) -> None:
        self._token = self._variable.set(self._setting)

    def __exit__(self, *_: object) -> None:
        self._variable.reset(self._token)


def _found_silent() -> tuple[ContextVar[Any], object] | None:
    """Return the variable that NumPy keeps alarms in, and its value for none of them.

    It is the one that changes where alarms are set. NumPy 1.26 keeps them elsewhere.
    """
    before = copy_context()
    after = before.copy()
    with np.errstate():  # what 1.26 sets is set for the thread, and back again here
        after.run(np.seterr, **SILENT)  # type: ignore[arg-type] # the words of NumPy
    changed = [(each, kept) for each, kept in after.items() if before.get(each) is not kept]
    return changed[0] if len(changed) == 1 else None


_silent = _found_silent()
