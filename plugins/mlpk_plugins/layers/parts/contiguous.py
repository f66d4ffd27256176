"""Arrays in C order, copied only where they are not."""

from __future__ import annotations

import numpy as np

from mlpk import Context
from mlpk.arrays import Array


def contiguous(ctx: Context, name: str, x: Array) -> Array:
    """Return `x` itself if it lies in C order, else a copy in the scratch memory `name`.

    So that `reshape` gives a view and nothing is allocated.
    """
    if x.flags.c_contiguous:
        return x
    copy = ctx.empty(name, x.shape, x.dtype)
    np.copyto(copy, x)
    return copy
