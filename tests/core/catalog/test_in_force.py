"""One catalog is in force in a process, whichever threads ask for it or make another."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mlpk import PluginError, catalog
from mlpk.catalog import Brought, Catalog, Record


@pytest.fixture
def small() -> Catalog:
    """Return a catalog of two layers."""
    brought = [Brought("layers", kind, "mlpk", type(kind, (), {})) for kind in ("dense", "relu")]
    return Catalog(brought, [Record("mlpk", "1.0", "active", 0.0, ())])


def test_a_catalog_that_cannot_be_made_leaves_the_old_one_in_force() -> None:
    held = catalog.current()

    def fail(_: object) -> Catalog:
        raise KeyError("x")

    with pytest.raises(KeyError):
        catalog.swap(fail)
    assert catalog.current() is held


def test_the_unfinished_catalog_is_seen_by_the_thread_that_makes_it_and_those_it_starts(
    small: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "in_force", None)
    seen: dict[str, Catalog] = {}
    half = Catalog(small.brought[:1], ())
    begun, started = threading.Event(), threading.Event()

    def stranger() -> None:
        begun.wait()
        started.set()
        seen.update(stranger=catalog.current())

    waiting = threading.Thread(target=stranger)
    waiting.start()

    def grandchild() -> None:
        seen.update(grandchild=catalog.current())

    def child() -> None:
        seen.update(child=catalog.current())
        own = threading.Thread(target=grandchild)
        own.start()
        own.join()

    def make(show_unfinished: Any) -> Catalog:
        show_unfinished(half)
        seen["mine"] = catalog.current()
        begun.set()
        started.wait()
        own = threading.Thread(target=child)
        own.start()
        own.join()
        assert "stranger" not in seen
        return small

    catalog.swap(make)
    waiting.join()
    assert seen == {"mine": half, "child": half, "grandchild": half, "stranger": small}
    assert catalog.current() is small


def test_who_makes_a_catalog_may_not_make_another_meanwhile(
    small: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "in_force", small)

    def make(_: object) -> Catalog:
        with pytest.raises(PluginError, match="plugins are being loaded, and one of them changes"):
            catalog.swap(lambda _: small)
        return small

    catalog.swap(make)
    assert catalog.swap(lambda _: small) is small  # and then it is free again


def test_asking_before_the_first_party_kinds_are_there_is_an_error(
    small: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "in_force", None)

    def make(_: object) -> Catalog:
        with pytest.raises(PluginError, match="mlpk's own plugins ask for kinds while they are"):
            catalog.current()
        return small

    assert catalog.current(make) is small
    assert catalog.current(make) is small  # there is one now: nothing is made


def test_many_threads_that_ask_first_get_one_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    held = catalog.current()
    monkeypatch.setattr(catalog, "in_force", None)
    made: list[Catalog] = []
    start = threading.Barrier(8)

    def discovered(_: object) -> Catalog:
        made.append(held)
        return held

    monkeypatch.setattr(catalog, "discovered", discovered)
    found: list[Catalog] = []

    def ask() -> None:
        start.wait()
        found.append(catalog.current())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert found == [held] * 8
