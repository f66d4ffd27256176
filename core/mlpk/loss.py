"""The interface of losses."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from mlpk import catalog
from mlpk.alarms import muted
from mlpk.arrays import Array
from mlpk.choice import method
from mlpk.context import Context
from mlpk.kind import Kind

__all__ = ["Loss"]


class Loss(Kind):
    """A number that says how wrong predictions are, and its gradient.

    `takes` says what the prediction means: "real" anything, "logits" not yet probabilities,
    "probabilities" what a softmax or a sigmoid gives. It is compared with `Layer.gives`.
    """

    family: ClassVar[str] = "losses"
    takes: ClassVar[str] = "real"

    @abstractmethod
    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, Any]:
        """Return the loss, and what `backward` needs.

        prediction (N, ...); weight (N,) or None: the mean is sum(w * l) / sum(w).
        """

    @abstractmethod
    def backward(self, ctx: Context, saved: Any) -> Array:
        """Return the gradient by the prediction, shaped like it."""

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        """Refuse targets that don't fit predictions of this shape (without the batch axis).

        Called with all targets before training, or with each batch where the caller makes these;
        `forward` gets what went through here, and need not check it again. A `DataError` names the
        row. A `ConfigError` tells that the loss does not suit the output, or a field of it: at
        "kind" or "kind.field".
        """

    def mass(
        self, ctx: Context, prediction: tuple[int, ...], target: Array, weight: Array | None
    ) -> float:
        """Return what the mean over these rows was divided by: their number, or their weights' sum.

        prediction is its shape (N, ...). Batches are joined into sets in proportion to it; one
        that has none counts nothing, and a whole set that has none is refused before training.
        """
        return float(len(target)) if weight is None else float(weight.sum(dtype=np.float64))

    def __call__(self, prediction: Any, target: Any, weight: Any = None) -> tuple[float, Array]:
        """Return (loss, gradient by the prediction) for a loop of one's own."""
        prediction = np.asarray(prediction)
        target = np.asarray(target)
        real = prediction.dtype.kind == "f"
        dtype = prediction.dtype.newbyteorder("=") if real else np.dtype(np.float64)
        prediction = prediction.astype(dtype, copy=False)
        self.check(prediction.shape[1:], target)
        ctx = Context(prediction.dtype)
        weights = None if weight is None else np.asarray(weight, prediction.dtype)
        found = catalog.current().choice.of(self, (prediction.shape[1:],), ctx.dtype)
        with muted():
            value, saved = method(self, found, "forward")(ctx, prediction, target, weights)
            return value, method(self, found, "backward")(ctx, saved)
