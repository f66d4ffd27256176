"""Reduce on plateau: a lower learning rate once a run no longer gets better."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

from mlpk import ConfigError, hookimpl
from mlpk.metric import Best
from mlpk_plugins.callbacks.parts.monitor import check_mode, monitored

if TYPE_CHECKING:
    from mlpk.training import Fit


class ReduceOnPlateau:
    """Multiplies the rate by `factor` after `patience` epochs without a result better by `min_delta`.

    It acts on `fit.lr_factor`, on top of any schedule, and goes no lower there than `lowest`. For
    `cooldown` epochs after each cut nothing is counted against the run. `monitor` is a name in the
    history: by default "val_loss", without validation "loss". `mode` says which way is better,
    "min" or "max"; by default what the metric says, and "min" of losses. 0 < factor < 1,
    patience >= 1, min_delta >= 0, cooldown >= 0, 0 <= lowest <= 1.
    """

    kind: ClassVar[str] = "reduce_on_plateau"

    def __init__(
        self,
        factor: float = 0.1,
        patience: int = 10,
        *,
        monitor: str | None = None,
        min_delta: float = 0.0,
        mode: Best | None = None,
        cooldown: int = 0,
        lowest: float = 0.0,
    ) -> None:
        for name, given, wanted, fits in (
            ("factor", factor, "a number between 0 and 1", 0 < factor < 1),
            ("patience", patience, "1 or more", patience >= 1),
            ("min_delta", min_delta, "0 or more", min_delta >= 0),
            ("cooldown", cooldown, "0 or more", cooldown >= 0),
            ("lowest", lowest, "a number from 0 to 1", 0 <= lowest <= 1),
        ):
            if not fits:
                raise ConfigError(f"{self.kind}.{name}", f"wanted {wanted}, found {given}")
        check_mode(self.kind, mode)
        self.factor = factor
        self.patience = patience
        self.monitor = monitor
        self.min_delta = min_delta
        self.mode: Best | None = mode
        self.cooldown = cooldown
        self.lowest = lowest
        self.best = inf  # of the monitored value, with its sign turned where more is better
        self.waited = 0
        self.cooling = 0

    @hookimpl
    def mlpk_fit_begin(self, fit: Fit) -> None:
        self.best, self.waited, self.cooling = inf, 0, 0

    @hookimpl
    def mlpk_epoch_end(self, fit: Fit) -> None:
        value = monitored(self.kind, fit, self.monitor, self.mode)
        if value < self.best - self.min_delta:
            self.best, self.waited = value, 0
        elif not self.cooling:
            self.waited += 1
        self.cooling = max(self.cooling - 1, 0)
        if self.waited >= self.patience:
            fit.lr_factor = min(fit.lr_factor, max(fit.lr_factor * self.factor, self.lowest))
            self.waited, self.cooling = 0, self.cooldown

    def config(self) -> dict[str, Any]:
        """Return what must be the same in a run that goes on."""
        names = ("factor", "patience", "monitor", "min_delta", "mode", "cooldown", "lowest")
        return {name: getattr(self, name) for name in names}

    def state(self) -> dict[str, Any]:
        """Return what a resumed run needs; the rate's factor is kept by the run itself."""
        return {"best": self.best, "waited": self.waited, "cooling": self.cooling}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.best, self.waited = state["best"], state["waited"]
        self.cooling = state["cooling"]
