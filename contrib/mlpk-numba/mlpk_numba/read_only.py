"""Arrays that kernels read."""

from __future__ import annotations

from mlpk import Context
from mlpk.arrays import Array, frozen_view

__all__ = ["read_only"]


def read_only(ctx: Context, name: str, x: Array) -> Array:
    """Return x in C order, as a view that cannot be written to.

    For numba, arrays that may be written to are of another type than those that may not be: a kernel
    would be compiled anew for a network's input, for the output of a layer, and so on.
    """
    return frozen_view(ctx.contiguous(name, x))
