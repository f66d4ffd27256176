"""NumPy's matrix products: how many threads BLAS takes, holding it to one, and where its code lies."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Gemm", "gemm", "hold", "let_go", "threads"]

# NumPy's own wheels rename the functions of OpenBLAS, and those with 64-bit integers once more.
_NAMES = tuple(
    (prefix + "{}" + suffix).format for prefix in ("scipy_", "") for suffix in ("64_", "")
)
_lock = RLock()  # a holder may be freed, and let go, while its own thread holds it
_holders: set[int] = set()
_held_from: int | None = None  # what BLAS took before; None where nobody holds it


class Gemm(NamedTuple):
    """cblas_sgemm or cblas_dgemm, for code that calls functions by their address."""

    address: int
    wide: bool  # whether its integers have 64 bits


class _OpenBLAS(NamedTuple):
    """How OpenBLAS is asked for its number of threads, and told another; its matrix products."""

    get: Callable[[], int]
    set: Callable[[int], None]
    gemm: Mapping[str, Gemm]  # by the letter of the dtype


def threads() -> int:
    """Return how many threads BLAS takes when nobody holds it; 1 where that cannot be told.

    OPENBLAS_NUM_THREADS, OMP_NUM_THREADS and the cores that this process may use decide, and
    whoever sets it while the process runs.
    """
    blas = _openblas()
    if blas is None:
        return 1
    held = _held_from
    if held is None:
        with _lock:  # another thread may be about to hold it
            held = blas.get() if _held_from is None else _held_from
    return held


def gemm(dtype: np.dtype[Any]) -> Gemm | None:
    """Return the matrix product of OpenBLAS for this dtype; None where NumPy uses another library."""
    blas = _openblas()
    return None if blas is None else blas.gemm.get(dtype.char)


def hold(holder: object) -> None:
    """Keep BLAS in the thread that calls it, in the whole process, until every holder lets go.

    A holder counts once, and lets go before its life ends. Wherever Ctrl-C cuts this or `let_go`
    short, the next call of either sets it right.
    """
    global _held_from  # noqa: PLW0603 - as BLAS has one number for the whole process
    blas = _openblas()
    if blas is None:
        return
    with _lock:
        if _held_from is None:
            _held_from = blas.get()
        _holders.add(id(holder))
        blas.set(1)


def let_go(holder: object) -> None:
    """Let BLAS have its threads again, once nobody else holds it."""
    global _held_from  # noqa: PLW0603 - likewise
    blas = _openblas()
    if blas is None:
        return
    with _lock:
        _holders.discard(id(holder))
        if not _holders and _held_from is not None:
            blas.set(_held_from)
            _held_from = None


def _after_fork() -> None:
    """Give BLAS its threads in a child: whoever held it, or was about to, is not there."""
    global _lock, _held_from  # noqa: PLW0603 - likewise
    _lock = RLock()
    _holders.clear()
    if _held_from is not None and (blas := _openblas()) is not None:
        blas.set(_held_from)
    _held_from = None


@cache
def _openblas() -> _OpenBLAS | None:
    """Return OpenBLAS as NumPy has loaded it; None where NumPy uses another library."""
    for path in _libraries():
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for named in _NAMES:
            get, set_, config = (
                getattr(library, named(f"openblas_{each}"), None)
                for each in ("get_num_threads", "set_num_threads", "get_config")
            )
            if get and set_ and config:
                config.restype = ctypes.c_char_p
                wide = b"USE64BITINT" in config()
                return _OpenBLAS(get, set_, dict(_products(library, named, wide=wide)))
    return None


def _products(
    library: Any, named: Callable[[str], str], *, wide: bool
) -> Iterator[tuple[str, Gemm]]:
    """Yield the matrix products of a library, by the letter of the dtype."""
    for letter, name in (("f", "cblas_sgemm"), ("d", "cblas_dgemm")):
        function = getattr(library, named(name), None)
        if function is not None:
            yield letter, Gemm(ctypes.cast(function, ctypes.c_void_p).value or 0, wide)


def _libraries() -> Iterator[Path]:
    """Yield files in which the functions may be found: NumPy's own, and what came with it.

    A symbol is looked for in what a library is linked with too, but not on Windows.
    """
    for name in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):
        path = getattr(sys.modules.get(name), "__file__", None)
        if path is not None:
            yield Path(path)
    yield from Path(np.__file__).parents[1].glob("numpy.libs/*openblas*")


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)
