"""Kernels: compiled functions over a range, which are done in parts by whoever looks at a board."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from numba import njit

from mlpk_numba.board import do_parts, leave, take
from mlpk_numba.compiled import OPTIONS, compiled
from mlpk_numba.posting import poster

__all__ = ["shared"]


def shared(kernel: Callable[..., None]) -> Callable[..., bool]:
    """Return a compiled function (board, parts, count, *arguments) of a kernel.

    The kernel is (first, stop, *arguments). It is posted, so that whoever looks at the board does
    parts of range(count) with it, and whether it found the memory that it wants is returned. numba
    keeps it on disk under the file, line and name of the kernel, so it is given those.
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
    # Python does not call it: a wrapper for that would be one more copy to compile.
    post = poster(njit(forceinline=True, no_cpython_wrapper=True, **OPTIONS)(kernel))
    names = {"post": post, "take": take, "leave": leave, "do_parts": do_parts}
    whole = FunctionType(code, {**names, "__name__": kernel.__module__}, kernel.__name__)
    whole.__qualname__ = kernel.__qualname__
    return compiled(whole)


def _whole(board: Any, parts: int, count: int, *arguments: Any) -> Any:
    at = take(board)
    post(at, arguments)  # type: ignore[name-defined]  # noqa: F821 - `shared` gives it the kernel's
    done = do_parts(at, parts, count)
    leave(at)
    return done
