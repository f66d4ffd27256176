"""The threads of NumPy's matrix products: how many BLAS takes, and holding it to one of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np

__all__ = ["hold", "let_go", "threads"]

# NumPy's own wheels rename the functions of OpenBLAS, and those with 64-bit integers once more.
_NAMES = tuple(
    (f"{prefix}openblas_get_num_threads{suffix}", f"{prefix}openblas_set_num_threads{suffix}")
    for prefix in ("scipy_", "")
    for suffix in ("64_", "")
)
_lock = Lock()
_holders = 0
_held_from = 1


class _Threads(NamedTuple):
    """How OpenBLAS is asked for its number of threads, and told another."""

    get: Callable[[], int]
    set: Callable[[int], None]


def threads() -> int:
    """Return how many threads BLAS takes when nobody holds it; 1 where that cannot be told.

    OPENBLAS_NUM_THREADS, OMP_NUM_THREADS and the cores that this process may use decide, and
    whoever sets it while the process runs.
    """
    blas = _openblas()
    if blas is None:
        return 1
    return _held_from if _holders else blas.get()


def hold() -> None:
    """Keep BLAS in the thread that calls it, in the whole process, until every holder lets go."""
    global _holders, _held_from  # noqa: PLW0603 - as BLAS has one number for the whole process
    with _lock:
        blas = _openblas()
        if blas is not None and not _holders:
            _held_from = blas.get()
            blas.set(1)
        _holders += 1


def let_go() -> None:
    """Let BLAS have its threads again, once nobody else holds it."""
    global _holders  # noqa: PLW0603 - likewise
    with _lock:
        _holders -= 1
        blas = _openblas()
        if blas is not None and not _holders:
            blas.set(_held_from)


@cache
def _openblas() -> _Threads | None:
    """Return OpenBLAS as NumPy has loaded it; None where NumPy uses another library."""
    import ctypes  # noqa: PLC0415 - it takes a millisecond, and few need it

    for path in _libraries():
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for getter, setter in _NAMES:
            if hasattr(library, getter) and hasattr(library, setter):
                return _Threads(getattr(library, getter), getattr(library, setter))
    return None


def _libraries() -> Iterator[Path]:
    """Yield files in which the functions may be found: NumPy's own, and what came with it.

    A symbol is looked for in what a library is linked with too, but not on Windows.
    """
    for name in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):
        path = getattr(sys.modules.get(name), "__file__", None)
        if path is not None:
            yield Path(path)
    yield from Path(np.__file__).parents[1].glob("numpy.libs/*openblas*")
