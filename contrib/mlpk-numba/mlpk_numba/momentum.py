"""Momentum in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlpk.arrays import Array
from mlpk.optimizer import Step

from mlpk_numba.kernel import shared
from mlpk_numba.sharing import share_out

__all__ = ["update"]


def update(
    momentum: Any, param: Array, grad: Array, slots: Mapping[str, Array], step: Step
) -> None:
    step_taken = _look_ahead if momentum.nesterov else _step
    flat = (each.reshape(-1) for each in (param, grad, slots["v"]))
    share_out(step_taken, param.size, 5 * param.nbytes, *flat, momentum.mu, step.lr)


@shared
def _step(first: int, stop: int, p: Array, g: Array, v: Array, mu: float, rate: float) -> None:
    p, g, v = p[first:stop], g[first:stop], v[first:stop]
    mu, rate = p.dtype.type(mu), p.dtype.type(rate)
    for i in range(p.size):
        v[i] = mu * v[i] + g[i]
        p[i] -= rate * v[i]


@shared
def _look_ahead(
    first: int, stop: int, p: Array, g: Array, v: Array, mu: float, rate: float
) -> None:
    p, g, v = p[first:stop], g[first:stop], v[first:stop]
    mu, rate = p.dtype.type(mu), p.dtype.type(rate)
    for i in range(p.size):
        v[i] = mu * v[i] + g[i]
        p[i] -= rate * (g[i] + mu * v[i])
