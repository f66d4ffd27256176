"""A family is the view that users have, on the catalog in force."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import mlpk
from mlpk import catalog
from mlpk.catalog import Brought, Catalog, Record
from mlpk.family import Family


@pytest.fixture
def small() -> Catalog:
    """Return a catalog of four layers, two of one short name, and an optimizer."""
    layers = (("dense", "mlpk"), ("gate", "acme"), ("gate", "zeta"), ("dense", "zeta"))
    brought = [Brought("layers", kind, dist, type(kind, (), {})) for kind, dist in layers]
    records = [Record(dist, "1.0", "active", 0.0, ()) for dist in ("mlpk", "acme", "zeta")]
    return Catalog([*brought, Brought("optimizers", "gate", "acme", len)], records)


def test_it_is_a_mapping() -> None:
    layers = Family("layers")
    assert layers["dense"] is layers.dense is layers.get("dense")
    assert "dense" in layers
    assert "mlpk:dense" not in layers
    assert len(layers) == len(list(layers)) == len(dict(layers))
    assert sorted(layers) == list(layers)
    assert layers.get("nothing", 3) == 3


def test_what_is_in_it_can_be_had(small: Catalog) -> None:
    held = catalog.current()
    catalog.swap(lambda _: small)
    try:
        layers = Family("layers")
        assert list(layers) == ["acme:gate", "dense", "zeta:dense", "zeta:gate"]
        assert "gate" not in layers
        assert Family("optimizers")["acme:gate"] is len
        assert "acme:gate" in Family("optimizers")
        assert "gate" in Family("optimizers")
    finally:
        catalog.swap(lambda _: held)


@pytest.mark.parametrize("name", [3, None, (), "nothing"])
def test_it_answers_for_what_is_not_there(name: Any) -> None:
    layers = Family("layers")
    assert name not in layers
    assert layers.get(name) is None
    with pytest.raises(KeyError):
        layers[name]


def test_attributes_that_are_not_there_are_attribute_errors() -> None:
    assert not hasattr(mlpk.layers, "nothing")
    assert not hasattr(mlpk.layers, "_private")
    with pytest.raises(AttributeError, match="Did you mean 'dense'"):
        _ = mlpk.layers.dens


def test_a_notebook_completes_and_shows_it() -> None:
    assert {"dense", "relu", "keys"} <= set(dir(mlpk.layers))
    assert repr(mlpk.schedules).startswith("<mlpk.schedules: constant, ")


def test_it_can_be_copied() -> None:
    assert list(copy.deepcopy(mlpk.layers)) == list(mlpk.layers)
