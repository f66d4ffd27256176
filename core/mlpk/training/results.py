"""The history of a run as a file holds it: a tensor a name where that can be, else as state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from mlpk.arrays import Array
from mlpk.errors import ConfigError
from mlpk.training import packing
from mlpk.training.history import UNSAID, History
from mlpk_schemas.file import FitState

__all__ = ["OWNER", "ended", "packed", "unpacked"]

OWNER: Final = "history"
# Where the reason stands that a callback gave which ended the run.
ENDED: Final = "_ended"


def packed(history: History, arrays: dict[str, Array]) -> dict[str, Any]:
    """Return what is not put into `arrays` as the state of "history"; nothing if all is.

    Floats, and arrays of one shape and dtype, are one tensor, "state:history/name". Anything else
    comes back as of the type that it was, under "_" and its place among the names: no result has
    a name of that form, since those that have are among the latter. The reason why a callback
    ended the run is there too, under "_ended".
    """
    held: dict[str, Any] = {} if history.ended is None else {ENDED: history.ended}
    for place, (name, column) in enumerate(history.metrics.items()):
        if _is_own(name) and _is_regular(column):
            arrays[f"state:{OWNER}/{name}"] = np.stack(column)
            continue
        key = f"_{place}"
        try:
            held |= packing.packed(OWNER, {key: column}, arrays, OWNER)
        except ConfigError as error:
            raise error.moved(f"{OWNER}['{key}']", f"{OWNER}[{name!r}]") from None
    return {OWNER: held} if held else {}


def unpacked(
    names: Iterable[str], held: Mapping[str, Any], arrays: Mapping[str, Array]
) -> dict[str, list[Any]]:
    """Return the results that `packed` took apart."""
    found = packing.unpacked(OWNER, held, arrays)
    history = {}
    for place, name in enumerate(names):
        column = found.get(f"_{place}", found.get(name))
        if isinstance(column, np.ndarray) and column.ndim:
            column = column.tolist() if column.ndim == 1 else list(column)
        if not isinstance(column, list):
            raise ConfigError(f"state.fit.{OWNER}", f"the checkpoint holds no results of '{name}'")
        history[name] = column
    return history


def ended(state: FitState) -> str | None:
    """Return why a callback ended the run that a file holds, None if it can go on."""
    if not state.stopped:
        return None
    held = state.callbacks.get(OWNER)
    reason = held.get(ENDED) if isinstance(held, Mapping) else None
    return reason if reason and isinstance(reason, str) else UNSAID


def _is_own(name: Any) -> bool:
    """Tell whether a tensor may have this name, which no other result takes."""
    return isinstance(name, str) and name[:1] != "_" and packing.is_name(OWNER, name)


def _is_regular(column: list[Any]) -> bool:
    """Tell whether results are floats alone, or arrays with axes, all of one shape and dtype."""
    if set(map(type, column)) == {np.ndarray}:
        return len({(each.shape, each.dtype) for each in column}) == 1 and column[0].ndim > 0
    return set(map(type, column)) == {float}
