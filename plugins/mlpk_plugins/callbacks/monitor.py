"""The number that a callback watches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np

from mlpk import ConfigError
from mlpk.errors import nearest

__all__ = ["Mode", "check_mode", "monitored"]

Mode: TypeAlias = Literal["min", "max"]
FALLING = ("loss", "error")


def check_mode(kind: str, mode: Mode | None) -> None:
    """Refuse a mode that is none."""
    if mode not in (None, "min", "max"):
        raise ConfigError(f"{kind}.mode", f"wanted 'min' or 'max', found {mode!r}")


def monitored(kind: str, logs: Mapping[str, Any], monitor: str | None, mode: Mode | None) -> float:
    """Return the monitored value of an epoch, with its sign turned where more is better.

    `monitor` None stands for "val_loss", without validation "loss"; `mode` None for "min" where
    the name has "loss" or "error" in it, else "max". `kind` is the callback's, for messages.
    """
    name = monitor or ("val_loss" if "val_loss" in logs else "loss")
    if name not in logs:
        problem = f"there is no '{name}' in the history, which has {', '.join(logs)}."
        validated = any(known.startswith("val_") for known in logs)
        missing = name.startswith("val_") and not validated
        hint = " It needs validation=." if missing else nearest(name, logs)
        raise ConfigError(f"{kind}.monitor", problem + hint)
    if np.ndim(logs[name]):
        raise ConfigError(f"{kind}.monitor", f"'{name}' is no single number; watch one that is")
    falling = any(word in name for word in FALLING) if mode is None else mode == "min"
    return float(logs[name]) if falling else -float(logs[name])
