"""Compiled functions: kept on disk from the first time on, wherever there is a place for them."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar, cast

from numba import njit

from mlpk_numba.board import do_parts, poster

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


def shared(kernel: Callable[..., None]) -> Callable[..., None]:
    """Return a compiled function (board, count, *arguments) of a kernel (first, stop, *arguments).

    It posts the kernel, so that whoever looks at the board does parts of range(count) with it. For
    numba, which keeps it on disk as long as a file is as it was, it stands where the kernel does.
    """
    source = kernel.__code__
    code = _whole.__code__.replace(
        co_filename=source.co_filename,
        co_firstlineno=source.co_firstlineno,
        co_name=source.co_name,
    )
    names = {"post": poster(njit(**OPTIONS)(kernel)), "do_parts": do_parts}
    whole = FunctionType(code, {**names, "__name__": kernel.__module__}, kernel.__name__)
    whole.__qualname__ = kernel.__qualname__
    return compiled(whole)


def _whole(board: Any, count: int, *arguments: Any) -> None:
    post(board, arguments)  # type: ignore[name-defined]  # noqa: F821 - `shared` gives it the kernel's
    do_parts(board, count)
