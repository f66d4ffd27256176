"""The network of a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

import attrs

import mlpk
from mlpk.cli.kinds import found, made
from mlpk.errors import ConfigError, nearest
from mlpk.layer import Layer
from mlpk.symbol import Placed, Symbol
from mlpk_schemas.run import GraphConfig, KindConfig, LayersConfig, Lengths, ModelConfig
from mlpk_schemas.synonyms import field_hint

__all__ = ["network"]


def network(config: ModelConfig, seed: int) -> mlpk.Model:
    """Return the network with fresh first values."""
    return _chain(config, seed) if isinstance(config, LayersConfig) else _graph(config, seed)


def _chain(config: LayersConfig, seed: int) -> mlpk.Model:
    return mlpk.Model(
        [_placed(given, f"model.layers[{place}]") for place, given in enumerate(config.layers)],
        input_shape=_shape(config.input_shape),
        input_dtype=config.input_dtype,
        dtype=config.dtype,
        seed=seed,
    )


def _placed(given: KindConfig, where: str) -> Layer | Placed:
    if isinstance(given, str):
        return made(Layer.of, given, where)
    fields = {key: value for key, value in given.items() if key != "name"}
    layer = _layer(fields, where, ("kind", "name"))
    return layer.named(given["name"]) if "name" in given else layer


def _layer(given: Mapping[str, Any], where: str, own: tuple[str, ...]) -> Layer:
    """Return a node's layer; of a key that is no field of it, say which keys are the node's `own`."""
    kind = given.get("kind")
    # Of what is no name of a kind `made` says what was wanted.
    fields = attrs.fields_dict(found(mlpk.layers, kind, where)) if isinstance(kind, str) else given
    for key in given:
        if key not in own and key not in fields:
            told = ", ".join(fields) or "none"
            problem = f"there is no such key; there are {', '.join(own)} and, of '{kind}', {told}."
            hint = field_hint("layers", str(kind), key, fields) or nearest(key, [*own, *fields])
            raise ConfigError(f"{where}.{key}", f"{problem}{hint}")
    return made(Layer.of, given, where)


def _graph(config: GraphConfig, seed: int) -> mlpk.Model:
    feeds = _feeds(config)
    symbols: dict[str, Symbol] = {
        given.name: mlpk.Input(_shape(given.shape), given.dtype, given.name)
        for given in config.inputs
    }
    places = {node.name: place for place, node in enumerate(config.nodes)}
    for name in _in_order(feeds):
        if name not in places:
            continue
        node = config.nodes[places[name]]
        fields = {**node.fields, "kind": node.kind}
        layer = _layer(fields, f"model.nodes[{places[name]}]", ("name", "kind", "inputs"))
        symbols[name] = layer(*(symbols[feed] for feed in node.inputs), name=name)
    outputs = config.outputs or _ends(feeds)
    for name in outputs:
        if name not in places:
            raise ConfigError("model.outputs", f"there is no node '{name}'.{nearest(name, places)}")
    model = mlpk.Model(
        inputs=[symbols[given.name] for given in config.inputs],
        outputs=[symbols[name] for name in outputs],
        dtype=config.dtype,
        seed=seed,
    )
    for name, place in places.items():
        if name not in model.graph.nodes:
            problem = f"'{name}' leads to no output; take it out, or name it among the outputs"
            raise ConfigError(f"model.nodes[{place}]", problem)
    return model


def _feeds(config: GraphConfig) -> dict[str, tuple[str, ...]]:
    """Return what feeds each input (nothing) and node, by name."""
    feeds: dict[str, tuple[str, ...]] = {}
    for where, name, inputs in _named(config):
        if name in feeds:
            raise ConfigError(f"{where}.name", f"two inputs or nodes are called '{name}'")
        feeds[name] = inputs
    for where, _, inputs in _named(config):
        for feed in inputs:
            if feed not in feeds:
                problem = f"there is no node or input '{feed}'.{nearest(feed, feeds)}"
                raise ConfigError(f"{where}.inputs", problem)
    return feeds


def _named(config: GraphConfig) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for place, given in enumerate(config.inputs):
        yield f"model.inputs[{place}]", given.name, ()
    for place, node in enumerate(config.nodes):
        yield f"model.nodes[{place}]", node.name, node.inputs


def _in_order(feeds: Mapping[str, tuple[str, ...]]) -> list[str]:
    try:
        return list(TopologicalSorter(feeds).static_order())
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise ConfigError("model.nodes", f"these feed each other in a circle: {cycle}") from error


def _ends(feeds: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the one node that feeds no other."""
    used = {feed for inputs in feeds.values() for feed in inputs}
    ends = tuple(name for name, inputs in feeds.items() if inputs and name not in used)
    if len(ends) > 1:
        problem = f"is missing, and several nodes feed no other: {', '.join(ends)}"
        raise ConfigError("model.outputs", problem)
    return ends


def _shape(lengths: Lengths) -> tuple[Any, ...]:
    return tuple(None if length == "any" else length for length in lengths)
