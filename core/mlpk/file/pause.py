"""Holding the cyclic garbage collector back while much is built that holds no cycles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import clear_frames

__all__ = ["uncollected"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector off within the block, and as it was behind it.

    It runs whenever the number of objects has grown by a part; of a header's two million maps it
    would visit all, over and over, for most of the time that decoding takes, and find nothing.
    If the block fails, what the functions that it called still hold is let go of first.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    except Exception as error:
        _let_go(error)
        raise
    finally:
        gc.enable()


def _let_go(error: BaseException | None) -> None:
    """Free the variables of the functions that an error, and those behind it, came through."""
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
