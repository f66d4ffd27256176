"""The number that a callback watches."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

import numpy as np

from mlpk import ConfigError
from mlpk.errors import nearest

if TYPE_CHECKING:
    from mlpk.metric import Best
    from mlpk.training import Fit

__all__ = ["check_mode", "monitored", "name_of", "turned"]


def check_mode(kind: str, mode: Best | None) -> None:
    """Refuse a mode that is none."""
    if mode not in (None, "min", "max"):
        raise ConfigError(f"{kind}.mode", f"wanted 'min' or 'max', found {mode!r}")


def name_of(monitor: str | None, measured: Container[str]) -> str:
    """Return the name that is watched: "val_loss" unless told, without validation "loss"."""
    return monitor or ("val_loss" if "val_loss" in measured else "loss")


def monitored(kind: str, fit: Fit, monitor: str | None, mode: Best | None) -> float:
    """Return the monitored value of an epoch, with its sign turned where more is better.

    `monitor` None stands for "val_loss", without validation "loss"; `mode` None for what the run
    knows of the name. `kind` is the callback's, for messages.
    """
    logs = fit.logs
    name = name_of(monitor, logs)
    if name not in logs:
        problem = f"there is no '{name}' in the history, which has {', '.join(logs)}."
        validated = any(known.startswith("val_") for known in logs)
        missing = name.startswith("val_") and not validated
        hint = " It needs validation=." if missing else nearest(name, logs)
        raise ConfigError(f"{kind}.monitor", problem + hint)
    if np.ndim(logs[name]):
        raise ConfigError(f"{kind}.monitor", f"'{name}' is no single number; watch one that is")
    if _better(fit, name, mode) is None:
        problem = f"is missing: nothing says which way '{name}' is better; give 'min' or 'max'"
        raise ConfigError(f"{kind}.mode", problem)
    return turned(float(logs[name]), fit, name, mode)


def turned(value: float, fit: Fit, name: str, mode: Best | None) -> float:
    """Return a value of that name with its sign turned where more is better; a turned one, back."""
    return -value if _better(fit, name, mode) == "max" else value


def _better(fit: Fit, name: str, mode: Best | None) -> Best | None:
    """Return which way is better: as told, or what the run knows of the name."""
    return mode or fit.best(name)
