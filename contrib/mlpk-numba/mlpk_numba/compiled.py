"""Compiled functions: kept on disk from the first time on, wherever there is a place for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

__all__ = ["compiled"]

Function = TypeVar("Function", bound=Callable[..., Any])

# Products and sums may become one operation, and sums be taken in several parts: what speeds up
# arithmetic most, and still makes of nan and inf what IEEE 754 says.
ALLOWED = {"contract", "reassoc"}


def compiled(function: Function) -> Function:
    """Return a function that runs as machine code, compiled when it first meets such arguments.

    It lets go of the interpreter's lock, and divides by zero as NumPy does.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": ALLOWED}
    try:
        made = njit(cache=True, **options)(function)
    except RuntimeError:  # no folder to write to: neither beside the source nor in the home
        made = njit(**options)(function)
    return cast("Function", made)
