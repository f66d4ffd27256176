"""Softmax and cross-entropy of labels: the loss and its gradient, row by row."""

from __future__ import annotations

from math import log
from typing import Any, cast

import numpy as np
from mlpk import Context, Loss
from mlpk.arrays import Array

from mlpk_numba.compiled import compiled
from mlpk_numba.curves import exp

__all__ = ["backward", "forward", "serves"]


def serves(loss: Any, shapes: tuple[tuple[int | None, ...]], dtype: np.dtype[Any]) -> bool:
    """Tell whether every label counts with the weight of its row."""
    return loss.class_weight is None and loss.ignore_index is None


def forward(
    loss: Any, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
) -> tuple[float, Any]:
    """Return the loss and its gradient; soft targets, and what is refused, go to the loss itself."""
    rows, classes = prediction.shape[0], prediction.shape[-1]
    whole = target.dtype.kind in "iu" and target.dtype.isnative
    labels = whole and target.shape == prediction.shape[:-1]
    weighted = weight is None or weight.shape == (rows,)
    if not (labels and weighted and classes > 1 and rows):
        return loss.forward(ctx, prediction, target, weight)  # type: ignore[no-any-return] # or refuses
    dz = ctx.empty("dz", prediction.shape)
    value = _rows(
        ctx.contiguous("z", prediction).reshape(rows, -1, classes),
        ctx.contiguous("labels", target).reshape(rows, -1),
        ctx.empty("none", (0,)) if weight is None else ctx.contiguous("weight", weight),
        loss.label_smoothing,
        dz.reshape(rows, -1, classes),
    )
    if value is None:  # a label is out of range: the check refuses it, and says which
        loss.check(prediction.shape[1:], target)
    return cast("float", value), dz


def backward(loss: Loss, ctx: Context, saved: Any) -> Array:
    return saved if isinstance(saved, np.ndarray) else loss.backward(ctx, saved)


@compiled
def _rows(z: Array, labels: Array, weight: Array, smoothing: float, dz: Array) -> float | None:
    """Write (softmax(z) - t) * share, and return -sum(share * t * log softmax(z)).

    z (n, positions, classes), labels (n, positions), weight (n,) or (0,); t is one-hot, smoothed;
    share is w / sum(w), and where it is 0 nothing counts, be it infinite or nan.
    """
    n, positions, classes = z.shape
    real = dz.dtype.type
    spread = real(smoothing / classes)
    held = real(1 - smoothing)
    mass = float(n)
    if weight.size:
        mass = 0.0
        for i in range(n):
            mass += weight[i]
    mass *= positions
    total = 0.0
    for i in range(n):
        part = 1.0 / mass
        if weight.size:
            part = weight[i] / mass if mass > 0 else 0.0
        share = real(part)
        for j in range(positions):
            label = labels[i, j]
            if label < 0 or label >= classes:
                return None
            row, gradient = z[i, j], dz[i, j]
            if share == 0:
                gradient[:] = 0
                continue
            peak = row[0]
            for c in range(1, classes):  # nan counts as the largest, and stays
                peak = row[c] if row[c] > peak or row[c] != row[c] else peak
            summed = real(0)
            for c in range(classes):
                gradient[c] = exp(row[c] - peak)
                summed += gradient[c]
            rest = log(summed)
            loss = -held * (row[label] - peak - rest)
            if smoothing > 0:
                for c in range(classes):
                    loss -= spread * (row[c] - peak - rest)
            total += share * loss
            scale = share / summed
            for c in range(classes):
                gradient[c] = gradient[c] * scale - share * spread
            gradient[label] -= share * held
    return total
