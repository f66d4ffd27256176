"""Drawing: from a list of layers, or from symbols, to a graph."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from numpy.typing import DTypeLike

from mlpk.errors import ConfigError, GraphError, UnknownKindError, shown
from mlpk.graph import Graph
from mlpk.layer import Layer
from mlpk.symbol import Input, Placed, Symbol, declared
from mlpk_schemas.model import NAME, InputSpec

__all__ = ["drawn"]


def drawn(
    layers: Iterable[Any] | None,
    input_shape: Sequence[int | None] | None,
    input_dtype: DTypeLike | None,
    inputs: Symbol | Sequence[Symbol] | None,
    outputs: Symbol | Sequence[Symbol] | None,
    dtype: str,
) -> Graph:
    """Return the graph of layers that feed each other, or of what leads from inputs to outputs."""
    if layers is not None and inputs is None and outputs is None:
        if input_shape is None:
            problem = "is missing; give the shape of one row, like (784,)"
            raise ConfigError("input_shape", problem)
        return _of_list(layers, input_shape, input_dtype, dtype)
    if layers is None and inputs is not None and outputs is not None:
        if input_shape is not None or input_dtype is not None:
            raise ConfigError("input_shape", "goes with a list of layers, not with symbols")
        return _of_symbols(_listed(inputs), _listed(outputs), dtype)
    problem = "wanted a list of layers with input_shape=, or inputs= with outputs="
    raise ConfigError("Model", problem)


def _of_list(
    layers: Iterable[Any], input_shape: Any, input_dtype: DTypeLike | None, dtype: str
) -> Graph:
    """Return the graph of layers that feed each other; each a layer, a name or a mapping."""
    if isinstance(layers, str | Mapping | Layer) or not isinstance(layers, Iterable):
        raise ConfigError("layers", f"wanted a list of layers, found {shown(layers)}")
    try:
        symbol = source = Input(input_shape, input_dtype)
    except ConfigError as error:
        raise error.moved("Input.", "input_") from None
    for place, given in enumerate(layers):
        layer, name = _placed(given, f"layers[{place}]")
        where = name or f"layers[{place}] ({layer.kind})"
        symbol = Symbol.of(layer, (symbol,), where, None, "input_dtype={}")
        symbol.name = name
    if symbol is source:
        raise GraphError("a network needs at least one layer, found none")
    return _of_symbols([source], [symbol], dtype)


def _of_symbols(inputs: Sequence[Symbol], outputs: Sequence[Symbol], dtype: str) -> Graph:
    """Return the graph that leads from the inputs to the outputs."""
    for symbol in (*inputs, *outputs):
        if not isinstance(symbol, Symbol):
            problem = f"wanted symbols (mlpk.Input(...), layer(...)), found {shown(symbol)}"
            raise ConfigError("inputs and outputs", problem)
    order = _ordered(outputs)
    names = _named([*inputs, *(symbol for symbol in order if symbol.layer is not None)])
    for symbol in inputs:
        if symbol.layer is not None or symbol not in order:
            problem = "is no mlpk.Input" if symbol.layer is not None else "leads to no output"
            raise GraphError(f"the input {symbol} {problem}")
    nodes = []
    for symbol in order:
        if symbol.layer is not None:
            feeds = tuple(names[feed] for feed in symbol.inputs)
            nodes.append((names[symbol], symbol.layer, feeds, _shared(symbol, names)))
        elif symbol not in names:
            raise GraphError(f"the outputs need {symbol}, which is not among the inputs")
    specs = [
        InputSpec(name=names[symbol], shape=symbol.shape, dtype=symbol.dtype or dtype)  # type: ignore[arg-type] # checked by the record
        for symbol in inputs
    ]
    return Graph(dtype, specs, nodes, [names[symbol] for symbol in outputs])


def _listed(symbols: Symbol | Sequence[Symbol]) -> list[Symbol]:
    return list(symbols) if isinstance(symbols, list | tuple) else [symbols]  # type: ignore[list-item] # what is no symbol is refused next


def _placed(given: Any, where: str) -> tuple[Layer, str | None]:
    if isinstance(given, Placed):
        return given.layer, given.name
    if isinstance(given, Symbol):
        raise ConfigError(where, "a list holds layers; for a graph use Model(inputs=, outputs=)")
    name = None
    if isinstance(given, Mapping):
        name = given.get("name")
        given = {key: value for key, value in given.items() if key != "name"}
    try:
        return Layer.of(given, where), name
    except UnknownKindError as error:
        raise UnknownKindError(error.family, str(error.name), f"{where}: {error}") from None


def _ordered(outputs: Iterable[Symbol]) -> list[Symbol]:
    """Return every symbol that leads to the outputs, each after what feeds it."""
    order: dict[Symbol, None] = {}
    stack = [(symbol, False) for symbol in reversed(list(outputs))]
    while stack:
        symbol, fed = stack.pop()
        if fed:
            order[symbol] = None
        elif symbol not in order:
            stack.append((symbol, True))
            stack += [(feed, False) for feed in reversed(symbol.inputs)]
    return list(order)


def _named(symbols: Iterable[Symbol]) -> dict[Symbol, str]:
    """Return a name for each symbol: its own, else its kind's with a number where it is taken."""
    symbols = list(dict.fromkeys(symbols))
    taken: set[str] = set()
    for symbol in symbols:
        if symbol.name is None:
            continue
        if not isinstance(symbol.name, str) or not re.fullmatch(NAME, symbol.name):
            problem = f"wanted letters, digits and _ . -, found {shown(symbol.name)}"
            raise ConfigError("name", problem)
        if symbol.name in taken:
            raise GraphError(
                f"two nodes or inputs are called '{symbol.name}'; give one another name"
            )
        taken.add(symbol.name)
    names = {}
    numbers: dict[str, int] = {}
    for symbol in symbols:
        stem = symbol.layer.kind if symbol.layer is not None else "input"
        name = stem if symbol.name is None else symbol.name
        while symbol.name is None and name in taken:
            numbers[stem] = numbers.get(stem, 0) + 1
            name = f"{stem}_{numbers[stem]}"
        taken.add(name)
        names[symbol] = name
    return names


def _shared(symbol: Symbol, names: Mapping[Symbol, str]) -> dict[str, str]:
    """Return the arrays that a symbol takes from the one it shares with, by its own names."""
    owner = symbol
    while owner.share is not None:
        owner = owner.share
    if owner is symbol:
        return {}
    if owner not in names:
        raise GraphError(f"{symbol} shares the arrays of {owner}, which is not in this network")
    if type(owner.layer) is not type(symbol.layer):
        raise GraphError(f"{symbol} can share arrays only with a node of its kind, not {owner}")
    declaration = declared(symbol.layer, tuple(feed.shape for feed in symbol.inputs), names[symbol])  # type: ignore[arg-type] # only nodes share
    locals_ = (*declaration.params, *declaration.buffers)
    return {local: f"{names[owner]}/{local}" for local in locals_}
