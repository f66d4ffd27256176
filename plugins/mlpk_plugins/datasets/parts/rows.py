"""The number of rows that a made-up dataset is asked for."""

from __future__ import annotations

import numpy as np

from mlpk.errors import ConfigError, shown

__all__ = ["checked_rows"]


def checked_rows(n: object, where: str) -> int:
    """Return n as it is; anything but an integer from 1 is a `ConfigError`."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ConfigError(where, f"wanted a number of rows, an integer from 1, found {shown(n)}")
    return int(n)
