"""The end of training where its loss no longer falls."""

from __future__ import annotations

from math import inf
from typing import Any

from mlpk import hookimpl

__all__ = ["Plateau"]


class Plateau:
    """Stops after `patience` epochs in a row whose loss is not below the best by `tol`.

    This is scikit-learn's criterion for its own networks: the best is the lowest loss before, and
    the weights stay as they are at the end.
    """

    def __init__(self, tol: float, patience: int) -> None:
        self.tol = tol
        self.patience = patience
        self.best = inf
        self.waited = 0

    @hookimpl
    def mlpk_epoch_end(self, fit: Any) -> None:
        """Count the epochs without progress."""
        loss = fit.logs["loss"]
        self.waited = 0 if loss <= self.best - self.tol else self.waited + 1
        self.best = min(self.best, loss)
        if self.waited >= self.patience:
            fit.stop(f"the loss no longer comes down by tol={self.tol:g}")
