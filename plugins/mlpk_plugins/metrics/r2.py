"""The coefficient of determination."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import ClassVar

import numpy as np

from mlpk import Example, Metric, define
from mlpk.arrays import Array
from mlpk.errors import DataError
from mlpk.metric import Best, MetricState
from mlpk_plugins.metrics.parts.errors import check_alike, errors


@define
class R2(Metric):
    """1 - sum(w * (y - t)**2) / sum(w * (t - mean(t))**2), averaged over what a row predicts.

    1 is perfect, 0 as good as the mean of the targets, below 0 worse. prediction y (N, ...),
    target t of the same shape; a last axis of length 1 may be missing in one of the two. Each
    number of a row has its own mean and its own quotient. Numbers whose targets never vary, as
    pixels at the border of images do, have none and are left out of the average; it is nan if no
    target varies. w is the weight of the row, and rows of weight 0 make nothing vary.

    The spread is gathered around the running mean (Chan, Golub and LeVeque, 1983), so that targets
    far from 0 lose no digits.
    """

    kind: ClassVar[str] = "r2"
    best: ClassVar[Best | None] = "max"

    def start(self) -> MetricState:
        return {
            "weight": np.zeros(()),
            "mean": np.zeros(0),
            "spread": np.zeros(0),
            "missed": np.zeros(0),
        }

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        check_alike((len(target), *prediction), target)

    def update(
        self, state: MetricState, prediction: Array, target: Array, weight: Array | None
    ) -> None:
        rows = len(prediction)
        shape = rows, prod(prediction.shape[1:])
        missed = errors(prediction, target).astype(np.float64).reshape(shape)
        t = target.astype(np.float64).reshape(shape)
        w = np.ones(rows) if weight is None else weight.astype(np.float64)
        if w.shape != (rows,):
            raise DataError(f"wanted one weight a row, shape ({rows},), found shape {w.shape}")
        total = w.sum()
        if total == 0:
            return
        if not state["mean"].size:
            state |= {name: np.zeros(t.shape[1]) for name in ("mean", "spread", "missed")}
        counts = w != 0  # 0 * inf would be nan
        t, missed, w = t[counts], missed[counts], w[counts]
        # Around a target that counts, so that targets that don't vary have a spread of just 0.
        near = t[0]
        mean = near + w @ (t - near) / total
        gap = mean - state["mean"]
        before = float(state["weight"])
        state["weight"] += total
        state["mean"] += gap * (total / (before + total))
        state["spread"] += w @ (t - mean) ** 2 + gap**2 * (before * total / (before + total))
        state["missed"] += w @ missed**2

    def result(self, state: MetricState) -> float:
        varies = state["spread"] != 0
        if not varies.any():
            return float("nan")
        return float(np.mean(1 - state["missed"][varies] / state["spread"][varies]))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (1,), draw=lambda rng, n: (rng.standard_normal((n, 1)), rng.random(n)))
        yield Example(
            cls(),
            (2, 3),
            draw=lambda rng, n: (rng.standard_normal((n, 2, 3)), rng.standard_normal((n, 2, 3))),
        )
