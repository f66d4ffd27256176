"""What implementations are of: found once all kinds are known, and refused whole."""

from __future__ import annotations

from typing import Any

import pytest

import mlpk
from mlpk import ConfigError, Implementation, catalog
from mlpk.catalog import Brought, Catalog
from mlpk.record import Record
from mlpk.target import check_targets, target

pytestmark = pytest.mark.usefixtures("own_catalog")


def update(optimizer: Any, param: Any, grad: Any, slots: Any, step: Any) -> None:
    """Update nothing."""


def plain(name: str, of: str = "layers") -> Implementation:
    """Return the methods of a first-party kind as an implementation of another name."""
    kind = mlpk.layers.relu if of == "layers" else mlpk.losses.mean_squared_error
    return Implementation(name, forward=kind.forward, backward=kind.backward)


def with_kinds(*brought: Brought) -> Catalog:
    """Return the catalog with kinds of others, who are active."""
    held = catalog.current()
    records = [Record(dist, "1", "active", 0.0, ()) for dist in {item.dist for item in brought}]
    return Catalog([*held.brought, *brought], [*held.records, *records])


def of_others(*dists: str, family: str = "layers", kind: str = "gate") -> Catalog:
    thing = mlpk.layers.relu if family == "layers" else mlpk.losses.mean_squared_error
    return with_kinds(*(Brought(family, kind, dist, thing) for dist in dists))


def test_a_short_name_an_id_and_each_family_are_found() -> None:
    kinds = of_others("acme")
    assert target(kinds, plain("relu")) is mlpk.layers.relu
    assert target(kinds, plain("gate")) is mlpk.layers.relu
    assert target(kinds, plain("acme:gate")) is mlpk.layers.relu
    loss = plain("mean_squared_error", "losses")
    assert target(kinds, loss) is mlpk.losses.mean_squared_error
    assert target(kinds, Implementation("adam", update=update)) is mlpk.optimizers.adam


def test_a_layer_and_a_loss_of_one_name_are_told_by_their_functions() -> None:
    kinds = with_kinds(
        Brought("layers", "gate", "acme", mlpk.layers.relu),
        Brought("losses", "gate", "acme", mlpk.losses.mean_squared_error),
    )
    assert target(kinds, plain("gate")) is mlpk.layers.relu
    assert target(kinds, plain("gate", "losses")) is mlpk.losses.mean_squared_error
    with pytest.raises(ConfigError, match="as it is one of the layers; found update="):
        target(kinds, Implementation("gate", update=update))


@pytest.mark.parametrize("state", [None, "blocked", "failed"])
def test_an_id_of_who_is_not_active_here_waits(state: Any) -> None:
    held = catalog.current()
    records = [] if state is None else [Record("acme", "1", state, 0.0, (), "why")]
    kinds = Catalog(held.brought, [*held.records, *records])
    assert target(kinds, plain("acme:gate")) is None


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "rleu",
            (
                "Implementation('rleu'): there is no such kind among the layers, losses, optimizers. "
                "Did you mean 'relu'?"
            ),
        ),
        (
            "glorot_uniform",
            "is one of the initializers; those of the layers, losses, optimizers may be implemented",
        ),
        ("gate", "several plugins offer it: write 'acme:gate' or 'beta:gate'"),
        ("acme:gaet", "Did you mean 'acme:gate'?"),
    ],
)
def test_a_name_of_no_kind_or_of_several_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        target(of_others("acme", "beta"), plain(name))
    assert sentence in str(caught.value)


def test_one_distribution_implements_a_kind_once() -> None:
    kinds = of_others("acme")
    brought = [Brought("implementations", name, "swift", plain(name)) for name in ("gate", "relu")]
    with pytest.raises(ConfigError, match="'gate' and 'relu' are the same kind"):
        check_targets(kinds, brought)
    check_targets(kinds, brought[:1])


def hooks(*given: Implementation) -> Any:
    class Plugin:
        @mlpk.hookimpl
        def mlpk_implementations(self) -> list[Implementation]:
            return list(given)

    return Plugin()


def test_what_is_added_by_hand_is_checked_and_changes_nothing_if_it_is_wrong() -> None:
    before = catalog.current()
    with pytest.raises(ConfigError, match="no such kind"):
        mlpk.plugins.add(hooks(plain("relu"), plain("rleu")))
    assert catalog.current() is before
    record = mlpk.plugins.add(hooks(plain("relu"), plain("tanh")))
    assert (record.dist, record.kinds, record.implements) == ("_local", (), ("relu", "tanh"))
    assert catalog.current().choice.names == ("numpy", "_local")
    mlpk.plugins.add(hooks(plain("relu")))  # as a cell that runs twice
    assert [item.kind for item in catalog.current().brought if item.dist == "_local"] == [
        "tanh", "relu"
    ]  # fmt: skip


def test_an_implementation_is_no_kind() -> None:
    """It has no id that a file could hold, and hides none."""
    mlpk.plugins.add(hooks(plain("relu")))
    active = catalog.current()
    assert not active.has(None, "_local:relu")
    assert active.schema_of(None, "_local:relu") is None
    assert active.id_of(mlpk.layers.relu) == "relu"
    assert active.names("implementations") == []
