from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import (
    ConfigError,
    Context,
    Declaration,
    Example,
    Layer,
    PluginError,
    define,
    hookimpl,
)
from mlpk.arrays import Array, Arrays, Grads

pytestmark = pytest.mark.usefixtures("own_catalog")


def times(name: str, factor: int) -> Any:
    """Return a layer class of this kind: y = factor * x."""

    class Times(Layer):
        kind: ClassVar[str] = name

        def declare(self, x: Any) -> Declaration:
            return Declaration(x)

        def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, None]:
            return np.multiply(x, factor, out=ctx.empty("y", x.shape)), None

        def backward(
            self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads
        ) -> Array:
            return np.multiply(dy, factor, out=ctx.empty("dx", dy.shape))

        @classmethod
        def examples(cls) -> Iterator[Example]:
            yield Example(cls(), (3,), linear=True)

    return define(Times)


X = np.ones((2, 3), np.float32)


def test_a_kind_added_by_hand_is_used_like_any_other() -> None:
    record = mlpk.plugins.add(times("times", 2))
    assert (record.dist, record.state, record.kinds) == ("_local", "active", ("_local:times",))
    assert mlpk.plugins.records()[-1] == record
    model = mlpk.Model(["times", {"kind": "times"}, mlpk.layers.times()], input_shape=(3,))
    assert model.predict(X).tolist() == (8 * X).tolist()
    assert model.spec.nodes[0].id == "_local:times"
    with pytest.warns(mlpk.plugins.PortabilityWarning):
        again = mlpk.loads(mlpk.dumps(model))
    assert again.predict(X).tolist() == (8 * X).tolist()


def test_adding_a_kind_again_replaces_it_and_keeps_the_others() -> None:
    mlpk.plugins.add(times("other", 5))
    mlpk.plugins.add(times("times", 2))
    old = mlpk.Model(["times"], input_shape=(3,))
    record = mlpk.plugins.add(times("times", 3))
    assert record.kinds == ("_local:other", "_local:times")
    assert [r.dist for r in mlpk.plugins.records()].count("_local") == 1
    model = mlpk.Model(["times", "other"], input_shape=(3,))
    assert model.predict(X).tolist() == (15 * X).tolist()
    assert old.predict(X).tolist() == (2 * X).tolist()
    assert old.spec.nodes[0].id == "_local:times"
    with pytest.warns(mlpk.plugins.PortabilityWarning):
        data = mlpk.dumps(old)  # what was made before can still be saved
    assert mlpk.loads(data).spec == old.spec


def test_a_module_with_hooks_is_added_whole() -> None:
    def squares() -> list[int]:
        return [1, 4, 9]

    made = SimpleNamespace(
        mlpk_layers=hookimpl(lambda: [times("times", 2), times("thrice", 3)]),
        mlpk_datasets=hookimpl(lambda: [squares]),
    )
    record = mlpk.plugins.add(made)
    assert record.kinds == ("_local:squares", "_local:thrice", "_local:times")
    assert mlpk.datasets.squares() == [1, 4, 9]


def test_a_first_party_kind_is_not_shadowed() -> None:
    mlpk.plugins.add(times("dense", 2))
    assert mlpk.layers.dense is not mlpk.layers["_local:dense"]
    assert mlpk.layers["_local:dense"]().kind == "dense"
    assert mlpk.Model(["_local:dense"], input_shape=(3,)).predict(X).tolist() == (2 * X).tolist()
    assert mlpk.Model([{"kind": "dense", "units": 2}], input_shape=(3,)).spec.nodes[0].id == "dense"


@pytest.mark.parametrize("thing", [3, None, int, "mlpk_swish", SimpleNamespace(), Layer])
def test_what_brings_nothing_is_refused_and_nothing_changes(thing: Any) -> None:
    before = mlpk.plugins.records()
    with pytest.raises((PluginError, ConfigError)):
        mlpk.plugins.add(thing)
    assert mlpk.plugins.records() == before


def test_a_module_with_one_fault_brings_nothing() -> None:
    made = SimpleNamespace(mlpk_layers=hookimpl(lambda: [times("times", 2), int]))
    with pytest.raises(ConfigError):
        mlpk.plugins.add(made)
    assert "times" not in mlpk.layers


def test_threads_that_add_at_once_lose_nothing() -> None:
    kinds = [f"times_{i}" for i in range(8)]
    made = {kind: times(kind, 2) for kind in kinds}
    start = threading.Barrier(len(kinds))

    def add(kind: str) -> None:
        start.wait()
        mlpk.plugins.add(made[kind])

    threads = [threading.Thread(target=add, args=(kind,)) for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(kind in mlpk.layers for kind in kinds)


def test_refresh_keeps_what_was_added_and_finds_the_rest_again() -> None:
    added = times("times", 2)
    mlpk.plugins.add(added)
    records = mlpk.plugins.refresh()
    assert records[0].dist == "mlpk"
    assert records[-1].kinds == ("_local:times",)
    assert mlpk.layers.times is added
    assert mlpk.layers.dense(units=2).units == 2


def test_a_record_says_what_became_of_a_plugin() -> None:
    record = mlpk.plugins.records()[0]
    assert (record.dist, record.version, record.state) == ("mlpk", mlpk.__version__, "active")
    assert record.error is None
    assert record.seconds >= 0
    assert {"dense", "sgd", "zeros", "accuracy", "digits"} <= set(record.kinds)
