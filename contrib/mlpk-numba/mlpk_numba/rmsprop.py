"""RMSprop in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

from mlpk.arrays import Array
from mlpk.optimizer import Step

from mlpk_numba.kernel import shared
from mlpk_numba.sharing import share_out

__all__ = ["update"]


def update(rmsprop: Any, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
    flat = (each.reshape(-1) for each in (param, grad, slots["h"]))
    numbers = (rmsprop.rho, step.lr, rmsprop.eps)
    share_out(_step, param.size, 5 * param.nbytes, *flat, *numbers)


@shared
def _step(
    first: int, stop: int, p: Array, g: Array, h: Array, rho: float, rate: float, eps: float
) -> None:
    p, g, h = p[first:stop], g[first:stop], h[first:stop]
    real = p.dtype.type
    old, new, rate, eps = real(rho), real(1 - rho), real(rate), real(eps)
    for i in range(p.size):
        h[i] = old * h[i] + new * g[i] * g[i]
        p[i] -= rate * g[i] / (sqrt(h[i]) + eps)
