"""From hidden layers to a network that fits the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from numbers import Integral
from typing import Any

import mlpk

__all__ = ["network", "row_shape"]


def network(
    hidden: Any, shape: Sequence[int], outputs: int, *, dtype: str, seed: int
) -> mlpk.Model:
    """Return the hidden layers, with a dense layer called "output" behind them.

    Where a row has several axes, what the hidden layers give is flattened before it.
    """
    layers = [*_expanded(hidden)]
    if len(shape) > 1:
        layers.append("flatten")
    layers.append(mlpk.layers.dense(units=outputs).named("output"))
    return mlpk.Model(layers, input_shape=shape, dtype=dtype, seed=seed)


def row_shape(features: int, wanted: Sequence[int] | None) -> tuple[int, ...]:
    """Return the shape in which the network gets a row of so many features."""
    if wanted is None:
        return (features,)
    shape = tuple(wanted)
    if prod(shape) != features:
        raise mlpk.ConfigError(
            "input_shape", f"{shape} holds {prod(shape)} numbers, but X has {features} features"
        )
    return shape


def _expanded(hidden: Any) -> Iterator[Any]:
    """Yield the layers as mlpk takes them; a number means dense and relu."""
    if isinstance(hidden, str | Mapping | mlpk.Layer) or not isinstance(hidden, Iterable):
        found = int(hidden) if isinstance(hidden, Integral) else hidden
        problem = f"wanted a list of layers, such as [100] or ['batch_norm', 64], found {found!r}"
        raise mlpk.ConfigError("layers", problem)
    for given in hidden:
        if isinstance(given, Integral) and not isinstance(given, bool):
            yield mlpk.layers.dense(units=int(given))
            yield "relu"
        else:
            yield given
