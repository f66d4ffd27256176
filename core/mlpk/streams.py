"""Random streams, derived from a seed and what they are for; no generator's state is ever stored."""

from __future__ import annotations

import os
from zlib import crc32

import numpy as np

from mlpk.errors import ConfigError, shown

__all__ = ["checked_seed", "stream"]


def stream(seed: int, purpose: str, step: int = 0) -> np.random.Generator:
    """Return the generator of (seed, purpose, step): equal arguments give equal numbers."""
    return np.random.default_rng((seed, crc32(purpose.encode()), step))


def checked_seed(seed: object) -> int:
    """Return a seed as it is, or a fresh one from the operating system for None."""
    if seed is None:
        return int.from_bytes(os.urandom(4), "big")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise ConfigError("seed", f"wanted an integer or None, found {shown(seed)}")
    if not 0 <= seed < 2**63:
        raise ConfigError("seed", f"wanted 0 <= seed < 2**63, found {seed}")
    return int(seed)
