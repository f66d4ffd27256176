"""Compiled functions: kept on disk from the first time on, wherever there is a place for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

__all__ = ["OPTIONS", "compiled"]

Function = TypeVar("Function", bound=Callable[..., Any])

# Products and sums may become one operation, and sums be taken in several parts: what speeds up
# arithmetic most, and still makes of nan and inf what IEEE 754 says.
ALLOWED = {"contract", "reassoc"}
OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": ALLOWED,
    "no_cfunc_wrapper": True,  # C does not call them; each wrapper is compiled, too
}


def compiled(function: Function) -> Function:
    """Return a function that runs as machine code, compiled when it first meets such arguments.

    It lets go of the interpreter's lock, and divides by zero as NumPy does.
    """
    function.__qualname__ += _edition()
    try:
        made = njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # no folder to write to: neither beside the source nor in the home
        made = njit(**OPTIONS)(function)
    return cast("Function", made)


@cache
def _edition() -> str:
    """Return what is another wherever a file of this package is.

    numba asks whether the file has changed that a function stands in, and not those of the functions
    that it calls, whose code is kept within its own.
    """
    texts = (file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py")))
    return "@" + sha256(b"".join(texts)).hexdigest()[:8]
