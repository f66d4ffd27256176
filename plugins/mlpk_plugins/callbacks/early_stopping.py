"""Early stopping: end a run that no longer gets better, and keep its best weights."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mlpk import ConfigError, hookimpl
from mlpk.arrays import Array
from mlpk.errors import shown
from mlpk.metric import Best
from mlpk_plugins.callbacks.parts.monitor import check_mode, monitored, name_of, turned

if TYPE_CHECKING:
    from mlpk import Model
    from mlpk.training import Fit


class EarlyStopping:
    """Stops after `patience` epochs without a result better than the best by more than `min_delta`.

    `monitor` is a name in the history: by default "val_loss", without validation "loss". `mode`
    says which way is better, "min" or "max"; by default what the metric says, and "min" of losses.
    At the end of the run the best weights are put back, buffers included; with
    `keep_best=False` they stay those of the last step. `best_epoch` is the best one, from 1; the
    history has it as well, why the run ended, and a note on what was best.

    L. Prechelt, Early stopping - but when?, 1998.
    """

    kind: ClassVar[str] = "early_stopping"

    def __init__(
        self,
        patience: int = 3,
        *,
        monitor: str | None = None,
        min_delta: float = 0.0,
        mode: Best | None = None,
        keep_best: bool = True,
    ) -> None:
        if patience < 1:
            raise ConfigError("early_stopping.patience", f"wanted 1 or more, found {patience}")
        if min_delta < 0:
            raise ConfigError("early_stopping.min_delta", f"wanted 0 or more, found {min_delta}")
        check_mode(self.kind, mode)
        if not isinstance(keep_best, bool):
            problem = f"wanted True or False, found {shown(keep_best)}"
            raise ConfigError("early_stopping.keep_best", problem)
        self.patience = patience
        self.monitor = monitor
        self.min_delta = min_delta
        self.mode: Best | None = mode
        self.sets_weights = keep_best
        self.best = inf  # of the monitored value, with its sign turned where more is better
        self.best_epoch = 0
        self.waited = 0
        self._weights: list[Array] = []

    @hookimpl
    def mlpk_fit_begin(self, fit: Fit) -> None:
        self.best, self.best_epoch, self.waited, self._weights = inf, 0, 0, []

    @hookimpl
    def mlpk_epoch_end(self, fit: Fit) -> None:
        value = monitored(self.kind, fit, self.monitor, self.mode)
        if value < self.best - self.min_delta:
            self.best, self.best_epoch, self.waited = value, fit.epoch, 0
            if self.sets_weights:
                self._weights = [array.copy() for array in _arrays(fit.model)]
            return
        self.waited += 1
        if self.waited >= self.patience:
            epochs = "1 epoch" if self.patience == 1 else f"{self.patience} epochs"
            name = name_of(self.monitor, fit.logs)
            fit.stop(f"{self.kind} waited {epochs} for a better {name}")

    @hookimpl
    def mlpk_fit_end(self, fit: Fit) -> None:
        for array, best in zip(_arrays(fit.model), self._weights, strict=False):
            array[...] = best
        if self._weights:
            fit.history.best_epoch = self.best_epoch
        if self.waited:  # else the run ended, by itself, with its best epoch
            fit.history.notes.append(self._told(fit))

    def _told(self, fit: Fit) -> str:
        """Return a sentence on what was best, and whose weights there are."""
        name = name_of(self.monitor, {*fit.logs, *fit.history.metrics})
        if self.best_epoch:
            best = turned(self.best, fit, name, self.mode)
            which = "last improved by min_delta" if self.min_delta > 0 else "was best"
            told = f"{name} {which} in epoch {self.best_epoch}, {best:.6g}"
        else:
            told = f"{name} was a number in no epoch"
        back = (
            f"of epoch {self.best_epoch} are back"
            if self._weights
            else "stay those of the last step"
        )
        return f"{self.kind}: {told}; the weights {back}"

    def config(self) -> dict[str, Any]:
        """Return what must be the same in a run that goes on."""
        names = ("patience", "monitor", "min_delta", "mode")
        return {name: getattr(self, name) for name in names} | {"keep_best": self.sets_weights}

    def state(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        weights = {f"weights_{place}": array for place, array in enumerate(self._weights)}
        return {"best": self.best, "best_epoch": self.best_epoch, "waited": self.waited, **weights}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.waited = state["waited"]
        count = sum(name.startswith("weights_") for name in state)
        self._weights = [np.asarray(state[f"weights_{place}"]) for place in range(count)]


def _arrays(model: Model) -> list[Array]:
    return [*model.params.values(), *model.buffers.values()]
