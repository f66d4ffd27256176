"""What a file holds beside its network, kept so that nothing is lost when it is saved again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from mlpk.arrays import Array
from mlpk_schemas.file import PluginClaim, TrainState

__all__ = ["Kept"]


@attrs.frozen(eq=False)
class Kept:
    """The state of a training run with its arrays, the file's claims, and its extensions."""

    state: TrainState | None
    arrays: Mapping[str, Array]
    claims: tuple[PluginClaim, ...]
    ext: Mapping[str, Any]
