"""Dtypes: what stands for one, and which of them a layer takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mlpk.errors import ConfigError, GraphError

if TYPE_CHECKING:
    from mlpk.layer import Layer

__all__ = ["IN_CODE", "check_taken", "check_width", "given_dtype", "plain_name"]

# What `Layer.takes` may say: the kinds of dtype, what to call them, and an example.
TAKES: Final = {
    "real": ("f", "real numbers", ""),
    "integers": ("iu", "whole numbers", "int64"),
    "bool": ("b", "a mask of true and false", "bool"),
    "any": ("biuf", "numbers", ""),
}
IN_CODE: Final = "mlpk.Input(..., dtype={})"


def plain_name(dtype: Any) -> Any:
    """Return the name of a NumPy dtype or scalar type (np.int64); anything else as it is."""
    is_type = isinstance(dtype, type) and issubclass(dtype, np.generic | bool | int | float)
    return np.dtype(dtype).name if is_type or isinstance(dtype, np.dtype) else dtype


def given_dtype(layer: Layer, dtypes: Sequence[str | None]) -> str | None:
    """Return the dtype that a layer gives for inputs of these; None is the network's."""
    return dtypes[0] if layer.takes[0] == "any" else None


def check_taken(
    layer: Layer, feeds: Sequence[tuple[str, str | None]], where: str, *, spelt: str = IN_CODE
) -> None:
    """Refuse inputs of a dtype that a layer does not take, and say what to write.

    Each of `feeds` is (what it is called, dtype); None is the network's dtype. `spelt` is how the
    dtype of an input is given, with a place for it.
    """
    for word in layer.takes:
        if word not in TAKES:
            problem = f"wanted some of {', '.join(TAKES)}, found {word!r}"
            raise ConfigError(f"{layer.kind}.takes", problem)
    for place, (name, dtype) in enumerate(feeds):
        kinds, wanted, example = TAKES[_word(layer, place)]
        if np.dtype(dtype or "float32").kind in kinds:
            continue
        found = "real numbers" if dtype is None else dtype
        which = f" as input {place + 1}" if len(feeds) > 1 else ""
        advice = (
            f"make them an input of that dtype, {spelt.format(repr(example))}"
            if example
            else "give that input no dtype of its own, and whole numbers are converted"
        ).replace("'", '"')
        raise GraphError(f"{where}: wanted {wanted}{which}, found {found} from {name}; {advice}")


def check_width(
    layer: Layer, feeds: Sequence[tuple[str, str | None]], where: str, network: str
) -> None:
    """Refuse real numbers that the network's dtype would round: it is that of all that is computed."""
    for place, (name, dtype) in enumerate(feeds):
        real = _word(layer, place) == "real"
        if real and not np.can_cast(dtype or network, network):
            raise GraphError(
                f"{where}: wanted {network}, the network's dtype, found {dtype} from {name}; give "
                "that input no dtype of its own, and numbers of any dtype are converted, or the "
                f'network dtype="{dtype}"'
            )


def _word(layer: Layer, place: int) -> str:
    """Return what a layer takes as one of its inputs; its last word is for all further ones."""
    return layer.takes[min(place, len(layer.takes) - 1)]
