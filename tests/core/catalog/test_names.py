"""Names and ids, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import mlpk
from mlpk import MissingPluginError, MlpkError, PluginError, UnknownKindError, catalog
from mlpk.catalog import Brought, Catalog, Record
from mlpk.errors import TooNew


class Dense:
    """Stands for a first-party class."""

    schema = 2


class Gate:
    """Stands for a third party's class."""

    schema = 1


class OtherGate:
    """Stands for another third party's class of the same kind."""

    schema = 1


class OtherDense:
    """Stands for a third party's class that is called like a first-party one."""

    schema = 1


def record(dist: str, state: Any = "active", error: str | None = None) -> Record:
    return Record(dist, "1.0", state, 0.0, (), error)


@pytest.fixture
def small() -> Catalog:
    """Return a catalog of four layers and an optimizer, with a broken and a blocked plugin."""
    return Catalog(
        [
            Brought("layers", "dense", "mlpk", Dense),
            Brought("layers", "gate", "acme", Gate),
            Brought("layers", "gate", "zeta", OtherGate),
            Brought("layers", "dense", "zeta", OtherDense),
            Brought("optimizers", "gate", "acme", len),
        ],
        [
            record("mlpk"),
            record("acme"),
            record("zeta"),
            record("broken", "failed", "Traceback:\n  ...\nKeyError: 'x'\n"),
            record("kept-out", "blocked", "blocked by MLPK_PLUGINS"),
        ],
    )


def test_ids_are_bare_for_first_parties_and_full_for_others(small: Catalog) -> None:
    assert [item.id for item in small.brought] == [
        "dense",
        "acme:gate",
        "zeta:gate",
        "zeta:dense",
        "acme:gate",
    ]
    assert (small.id_of(Dense), small.id_of(OtherDense)) == ("dense", "zeta:dense")


def test_a_short_name_serves_where_one_plugin_offers_it(small: Catalog) -> None:
    assert small.find("optimizers", "gate") is len
    assert small.find("layers", "acme:gate") is Gate
    assert small.find("layers", "zeta:gate") is OtherGate


def test_a_first_party_kind_keeps_its_short_name(small: Catalog) -> None:
    assert small.find("layers", "dense") is Dense
    assert small.find("layers", "zeta:dense") is OtherDense


def test_where_several_offer_it_all_are_named(small: Catalog) -> None:
    with pytest.raises(UnknownKindError) as caught:
        small.find("layers", "gate")
    assert str(caught.value) == (
        "'gate' is offered by several plugins: 'acme:gate' and 'zeta:gate'; "
        "write one of these in full"
    )


def test_the_names_are_those_that_find_takes(small: Catalog) -> None:
    assert small.names("layers") == ["acme:gate", "dense", "zeta:dense", "zeta:gate"]
    assert small.names("optimizers") == ["gate"]
    assert small.names("losses") == []
    for name in small.names("layers"):
        small.find("layers", name)


def test_an_unknown_name_is_answered_with_what_there_is(small: Catalog) -> None:
    with pytest.raises(UnknownKindError) as caught:
        small.find("layers", "dens")
    assert str(caught.value) == (
        "there is no 'dens' among the layers. Did you mean 'dense'? "
        "These plugins failed to load: broken."
    )
    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, AttributeError)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere-kit:gate", "no plugin nowhere-kit is installed here."),
        (
            "acme:gates",
            "acme 1.0 has none of that name; its layers: acme:gate. Did you mean 'acme:",
        ),
        ("mlpk:dens", "mlpk 1.0 has none of that name; its layers: dense."),
        ("_local:gate", "nothing of that name was added; mlpk.plugins.add(...) does it."),
    ],
)
def test_an_unknown_id_is_answered_with_what_became_of_its_plugin(
    small: Catalog, name: str, reason: str
) -> None:
    with pytest.raises(UnknownKindError) as caught:
        small.find("layers", name)
    assert str(caught.value).startswith(f"there is no '{name}' among the layers: {reason}")


def test_broken_plugins_are_named_where_there_are_some() -> None:
    with pytest.raises(UnknownKindError) as caught:
        Catalog([Brought("layers", "dense", "mlpk", Dense)], [record("mlpk")]).find("layers", "x")
    assert str(caught.value) == "there is no 'x' among the layers. Known are: dense."


@pytest.mark.parametrize("name", [3, None, ["dense"], ("layers", "dense")])
def test_what_is_no_name_is_refused_as_unknown(small: Catalog, name: Any) -> None:
    with pytest.raises(UnknownKindError, match="wanted a name, found "):
        small.find("layers", name)


def test_asking_for_a_kind_of_a_broken_plugin_raises_what_went_wrong(small: Catalog) -> None:
    asked: list[Callable[[], Any]] = [
        lambda: small.find("layers", "broken:thing"),
        lambda: small.by_id("layers", "broken:thing", 1),
    ]
    for ask in asked:
        with pytest.raises(
            PluginError, match=r"broken 1\.0 failed to load: KeyError: 'x'"
        ) as caught:
            ask()
        assert caught.value.dist == "broken"
    with pytest.raises(PluginError, match=r"kept-out 1\.0 is blocked"):
        small.find("layers", "kept-out:thing")


def test_a_file_names_ids_alone(small: Catalog) -> None:
    assert small.by_id("layers", "dense", 2) is Dense
    assert small.by_id("layers", "acme:gate", 1) is Gate
    for name in ("gate", "mlpk:dense", "acme:dense", "nowhere:gate"):
        with pytest.raises(UnknownKindError):
            small.by_id("layers", name, 1)


def test_a_file_s_schema_is_not_newer_than_the_installed_one(small: Catalog) -> None:
    assert small.by_id("layers", "dense", 1) is Dense
    with pytest.raises(MissingPluginError) as caught:
        small.by_id("layers", "dense", 3)
    assert caught.value.newer == (TooNew("dense", 3, 2, "mlpk", mlpk.__version__, ""),)
    with pytest.raises(MissingPluginError, match=r"'acme:gate' has schema 2 there and 1 in acme 1"):
        small.by_id("layers", "acme:gate", 2)
    with pytest.raises(MlpkError, match="dense: wanted a schema from 1, found 0"):
        small.by_id("layers", "dense", 0)


def test_the_schema_of_an_id_is_asked_in_one_family_or_in_all(small: Catalog) -> None:
    assert small.schema_of("layers", "dense") == 2
    assert small.schema_of("optimizers", "dense") is None
    assert small.schema_of(None, "dense") == 2
    assert small.schema_of(None, "broken:thing") is None


def test_why_a_kind_is_missing_is_told_where_its_distribution_is_there(small: Catalog) -> None:
    assert small.why_missing("acme:other") == "acme 1.0 is active, and has no such kind"
    assert small.why_missing("broken:thing") == "broken 1.0 failed to load: KeyError: 'x'"
    assert small.why_missing("kept-out:thing") == "kept-out 1.0 is blocked: blocked by MLPK_PLUGINS"
    assert small.why_missing("nowhere:thing") == small.why_missing("dense") == ""


def test_an_id_is_active_in_its_family_or_in_any(small: Catalog) -> None:
    assert small.has("layers", "dense")
    assert not small.has("optimizers", "dense")
    assert small.has("optimizers", "acme:gate")
    assert small.has(None, "acme:gate")
    assert not small.has(None, "gate")


def test_an_unfinished_catalog_says_what_it_is(small: Catalog) -> None:
    half = Catalog(small.brought[:1], small.records[:1], caveat=" There is more to come.")
    with pytest.raises(UnknownKindError, match=r"Known are: dense\. There is more to come\.$"):
        half.find("layers", "gate")


def test_a_class_that_several_name_keeps_the_first_id(small: Catalog) -> None:
    again = [Brought("layers", "dense", catalog.LOCAL, Dense)]
    former = [Brought("layers", "gate", catalog.LOCAL, Gate)]
    more = Catalog([*small.brought, *again], small.records, former)
    assert more.id_of(Dense) == "dense"
    assert more.id_of(Gate) == "acme:gate"
    assert more.find("layers", "_local:dense") is Dense


def test_the_reason_is_the_last_line_of_an_error_unless_it_is_given() -> None:
    assert record("a", "failed", "Traceback:\n  ...\nKeyError: 'x'\n").reason == "KeyError: 'x'"
    assert record("a").reason == ""
    given = Record("a", "1", "failed", 0.0, (), "Traceback\nKeyError: 'x'\nnote", "KeyError: 'x'")
    assert given.reason == "KeyError: 'x'"


def test_an_id_belongs_to_a_distribution(small: Catalog) -> None:
    owner = small.owner("acme:gate")
    assert owner is not None
    assert owner.dist == "acme"
    assert small.owner("broken:thing") is not None
    for identity in ("dense", "nowhere:thing", "acme:", ":gate", ""):
        assert small.owner(identity) is None


def test_a_class_that_nobody_brought_has_no_id(small: Catalog) -> None:
    with pytest.raises(MlpkError, match=r"^int: this class is not registered.*plugins\.add"):
        small.id_of(int)
