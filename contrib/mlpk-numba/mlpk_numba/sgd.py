"""SGD in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlpk.arrays import Array
from mlpk.optimizer import Step

from mlpk_numba.kernel import shared
from mlpk_numba.sharing import share_out

__all__ = ["update"]


def update(_: Any, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
    work = 3 * param.nbytes
    share_out(_step, param.size, work, param.reshape(-1), grad.reshape(-1), step.lr)


@shared
def _step(first: int, stop: int, p: Array, g: Array, rate: float) -> None:
    p, g = p[first:stop], g[first:stop]
    rate = p.dtype.type(rate)
    for i in range(p.size):
        p[i] -= rate * g[i]
