"""Holding the cyclic garbage collector back while much is built that holds no cycles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector off within the block, and as it was behind it.

    It runs whenever the number of objects has grown by a part; of a header's two million maps it
    would visit all, over and over, for most of the time that decoding takes, and find nothing.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
