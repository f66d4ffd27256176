"""Which places a query may not look at."""

from __future__ import annotations

import numpy as np
from mlpk import Context
from mlpk.arrays import Array


def hidden_pairs(
    ctx: Context, mask: Array | None, steps: int, keys: int, *, causal: bool
) -> Array | None:
    """Return where a query at place t (of `steps`) may not see place s (of `keys`), if anywhere.

    The result, true where s is masked or, if `causal`, s > t, is broadcast to (n, heads, t, s).
    """
    later = np.greater(np.arange(keys), np.arange(steps)[:, None]) if causal else None
    if mask is None:
        return later
    masked = np.logical_not(mask, out=ctx.empty("masked", mask.shape, np.bool_))[:, None, None]
    if later is None:
        return masked
    hidden = ctx.empty("hidden", (len(mask), 1, steps, keys), np.bool_)
    return np.logical_or(masked, later, out=hidden)
