"""What an optimizer remembers, as plain data for a pickle."""

from __future__ import annotations

from typing import Any

import mlpk
import numpy as np
from mlpk.training import Updater

__all__ = ["attached", "remembered"]


def remembered(updater: Updater) -> dict[str, Any]:
    """Return an attached optimizer as its settings, its count of updates and its slots."""
    slots = {name: arena.flat.copy() for name, arena in updater.slots.items()}
    return {"optimizer": updater.optimizer, "t": updater.t, "slots": slots}


def attached(state: dict[str, Any], model: mlpk.Model) -> Updater:
    """Return the optimizer that `remembered` wrote down, attached to its model again."""
    updater: Updater = state["optimizer"].attach(model)
    updater.t = state["t"]
    for name, flat in state["slots"].items():
        np.copyto(updater.slots[name].flat, flat)
    return updater
