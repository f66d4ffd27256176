"""Whether what is written can be read by any other program."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from mlpk.catalog import LOCAL
from mlpk.errors import PortabilityWarning, listing
from mlpk.file.needs import used

__all__ = ["is_local", "warn_of_local"]


def is_local(identity: str) -> bool:
    """Tell whether an id is of a kind that was added without an entry point."""
    return identity.startswith(f"{LOCAL}:")


def warn_of_local(head: Mapping[str, Any], stacklevel: int) -> None:
    """Warn, once, if what is about to be written names kinds of this program's own."""
    kinds = {kind["id"] for _, kind in used(head["spec"], head["state"])}
    local = set(filter(is_local, kinds))
    if local:
        warnings.warn(
            f"only a program that adds them by itself (mlpk.plugins.add) can load what is saved "
            f"with these kinds: {listing(local)}; make a plugin of them that others can install",
            PortabilityWarning,
            stacklevel=stacklevel + 1,
        )
