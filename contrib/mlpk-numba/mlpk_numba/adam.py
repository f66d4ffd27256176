"""Adam in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

from mlpk.arrays import Array
from mlpk.optimizer import Step

from mlpk_numba.kernel import shared
from mlpk_numba.sharing import share_out

__all__ = ["adam_step", "update"]


def update(adam: Any, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
    adam_step(adam, param, grad, slots, step, decay=0.0, hat=adam.epsilon_hat)


def adam_step(
    adam: Any,
    param: Array,
    grad: Array,
    slots: Mapping[str, Array],
    step: Step,
    *,
    decay: float,
    hat: bool,
) -> None:
    """Take the step of Adam, and that of the decay first: p -= decay * p.

    The corrections of the moments become two numbers: (m / c1) / (sqrt(v / c2) + eps) is
    sqrt(c2) / c1 * m / (sqrt(v) + eps * sqrt(c2)), with c1 = 1 - beta1**t and c2 = 1 - beta2**t.
    """
    root = sqrt(1 - adam.beta2**step.t)
    rate = step.lr * root / (1 - adam.beta1**step.t)
    eps = adam.eps if hat else adam.eps * root
    share_out(
        _step,
        param.size,
        7 * param.nbytes,
        param.reshape(-1),
        grad.reshape(-1),
        slots["m"].reshape(-1),
        slots["v"].reshape(-1),
        adam.beta1,
        adam.beta2,
        rate,
        eps,
        decay,
    )


@shared
def _step(
    first: int,
    stop: int,
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    beta1: float,
    beta2: float,
    rate: float,
    eps: float,
    decay: float,
) -> None:
    p, g, m, v = p[first:stop], g[first:stop], m[first:stop], v[first:stop]
    real = p.dtype.type
    old1, new1, old2, new2 = real(beta1), real(1 - beta1), real(beta2), real(1 - beta2)
    rate, eps, decay = real(rate), real(eps), real(decay)
    for i in range(p.size):
        m[i] = old1 * m[i] + new1 * g[i]
        v[i] = old2 * v[i] + new2 * g[i] * g[i]
        p[i] -= decay * p[i]
        p[i] -= rate * m[i] / (sqrt(v[i]) + eps)
