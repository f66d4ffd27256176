"""Alarms of floating-point arithmetic, and where they are silent."""

from __future__ import annotations

import numpy as np

__all__ = ["muted"]


def muted() -> np.errstate:
    """Return a context without alarms, in which core runs layers, losses, optimizers and metrics.

    Of infinite, missing and very large numbers they make what IEEE 754 says, and the caller sees
    it: in an output, or in a loss that is not finite. A layer mutes nothing by itself, so that the
    conformance kit hears of what goes wrong on ordinary numbers.
    """
    return np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")
