"""The weights that a training run goes on with, where others stand in the model of its file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np

from mlpk.errors import ConfigError, listing

__all__ = ["check_trained", "misfit", "trained_tensors"]

START = "weights_"
TENSOR = f"state:running/{START}"

Described = tuple[tuple[int, ...], np.dtype[Any]]


def trained_tensors(params: Iterable[str], buffers: Iterable[str]) -> dict[str, str]:
    """Return the tensor of each parameter and buffer, called after the place among their names.

    Places in the order of declaration would not do: a later release of a kind may declare the same
    arrays in another one, and arrays of one shape would change places unnoticed.
    """
    names = (*sorted(params), *sorted(buffers))  # by code points, as UTF-8 sorts, too
    return {name: f"{TENSOR}{place}" for place, name in enumerate(names)}


def check_trained(
    tensors: dict[str, str],
    running: Collection[str],
    found: Collection[str],
    described: Callable[[str], Described],
) -> bool:
    """Tell whether a file holds such weights, all of them as its model has them, or none.

    `running` are the keys of what was kept of an epoch, `found` the arrays of the file, and
    `described` says shape and dtype of one. Raises `ConfigError` for anything else.
    """
    held = {name for name in found if name.startswith(TENSOR)}
    plain = {key for key in running if key.startswith(START)}
    if not held and not plain:
        return False
    wanted = set(tensors.values())
    wrong = {
        "missing": wanted - held,
        "unknown": held - wanted,
        "not tensors": plain,
    }
    if told := [f"{what} are: {listing(names)}" for what, names in wrong.items() if names]:
        raise ConfigError(
            "state.fit.running",
            f"wanted the weights to go on with as the tensors {TENSOR}n, one for each of the "
            f"{len(wanted)} parameters and buffers; {'; '.join(told)}; start anew with another "
            "checkpoint",
        )
    for name, tensor in tensors.items():
        if problem := misfit(described(tensor), described(name), name):
            where = tensor.removeprefix("state:running/")
            problem += "; start anew with another checkpoint"
            raise ConfigError(f"state.fit.running.{where}", problem)
    return True


def misfit(found: Described, wanted: Described, name: str) -> str:
    """Return how an array differs in shape or dtype from the one called `name`; "" if it does not."""
    if found == wanted:
        return ""
    (shape, dtype), (like, of) = found, wanted
    return f"wanted {of} of shape {like}, as '{name}' has, found {dtype} of shape {shape}"
