"""Compiled functions: kept on disk from the first time on, wherever there is a place for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from inspect import getsource
from types import FunctionType
from typing import Any, TypeVar, cast

from numba import njit

from mlpk_numba import atomics, board
from mlpk_numba.board import do_parts, leave, poster, take

__all__ = ["compiled", "shared"]

Function = TypeVar("Function", bound=Callable[..., Any])

# Products and sums may become one operation, and sums be taken in several parts: what speeds up
# arithmetic most, and still makes of nan and inf what IEEE 754 says.
ALLOWED = {"contract", "reassoc"}
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": ALLOWED}


def compiled(function: Function) -> Function:
    """Return a function that runs as machine code, compiled when it first meets such arguments.

    It lets go of the interpreter's lock, and divides by zero as NumPy does.
    """
    try:
        made = njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # no folder to write to: neither beside the source nor in the home
        made = njit(**OPTIONS)(function)
    return cast("Function", made)


def shared(kernel: Callable[..., None]) -> Callable[..., bool]:
    """Return a compiled function (board, parts, count, *arguments) of a kernel.

    The kernel is (first, stop, *arguments). It is posted, so that whoever looks at the board does
    parts of range(count) with it, and whether it found the memory that it wants is returned. For
    numba, which keeps it on disk as long as a file is as it was, it stands where the kernel does.
    """
    if kernel.__closure__:
        raise TypeError(f"{kernel.__qualname__}: numba would keep one for all that have its code")
    source = kernel.__code__
    code = _whole.__code__.replace(
        co_filename=source.co_filename,
        co_firstlineno=source.co_firstlineno,
        co_name=source.co_name,
    )
    # Within the function that is kept, lest another copy, compiled otherwise, takes its place.
    post = poster(njit(forceinline=True, **OPTIONS)(kernel))
    names = {"post": post, "take": take, "leave": leave, "do_parts": do_parts}
    whole = FunctionType(code, {**names, "__name__": kernel.__module__}, kernel.__name__)
    whole.__qualname__ = f"{kernel.__qualname__}.{_ways()}"
    return compiled(whole)


def _whole(board: Any, parts: int, count: int, *arguments: Any) -> Any:
    at = take(board)
    post(at, arguments)  # type: ignore[name-defined]  # noqa: F821 - `shared` gives it the kernel's
    could = do_parts(at, parts, count)
    leave(at)
    return could


@cache
def _ways() -> str:
    """Return what differs where boards work otherwise: what is kept has their ways within it."""
    sources = "".join(getsource(module) for module in (atomics, board))
    return sha256(sources.encode()).hexdigest()[:8]
