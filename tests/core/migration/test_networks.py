"""Networks of an earlier schema: a renamed field, a renamed array, a split one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import acme_releases
import numpy as np
import pytest

import mlpk
from mlpk import FileFormatError, Input, Model
from mlpk.kind import KindCheck
from mlpk_schemas.records import plain

GATED = Path(__file__).with_name("gated-1.mlpk")
Acme = Callable[[Any, str], AbstractContextManager[None]]
Release = Callable[[str], AbstractContextManager[None]]
X = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
Y = np.random.default_rng(1).standard_normal((8, 4)).astype(np.float32)


def gated(**options: Any) -> Model:
    layers = [{"kind": "dense", "units": 3}, {"kind": "gated", **options}, "relu"]
    return Model(layers, input_shape=(3,), seed=0)


def test_a_file_that_the_first_release_wrote_is_read_by_the_later_one(release: Release) -> None:
    path = GATED
    held = mlpk.load_arrays(path)
    assert mlpk.inspect(path).spec.nodes[1].schema == 1
    assert set(held) == {"dense/weight", "dense/bias", "gated/w", "gated/seen"}
    with release("2.0"):
        model = mlpk.load(path)
        assert plain(model.spec.nodes[1].config)["units"] == 2
        assert model.spec.nodes[1].schema == 3
        assert np.array_equal(model.params["gated/value"], held["gated/w"][:, :2])
        assert np.array_equal(model.params["gated/gate"], held["gated/w"][:, 2:])
        assert model.buffers["gated/seen"] == held["gated/seen"] == 3
        wanted = (X @ held["dense/weight"] + held["dense/bias"]) @ held["gated/w"]
        assert np.allclose(model.predict(X), np.maximum(wanted, 0), rtol=1e-5)
        assert model.storage.arena is not None
        assert np.shares_memory(model.params["gated/gate"], model.storage.arena.flat)


def test_in_the_release_that_wrote_it_nothing_changes(release: Release) -> None:
    path = GATED
    with release("1.0"):
        assert mlpk.dumps(mlpk.load(path)) == path.read_bytes()


def test_saved_again_it_is_a_file_of_the_later_release(release: Release) -> None:
    with release("2.0"):
        model = mlpk.load(GATED)
        again = mlpk.loads(mlpk.dumps(model))
        assert again.spec == model.spec
        assert np.array_equal(again.predict(X), model.predict(X))
        fresh = gated(units=2, init="half")
        assert fresh.spec == model.spec
        assert list(fresh.params) == list(model.params)


def test_it_can_be_mapped(release: Release) -> None:
    path = GATED
    with release("2.0"):
        mapped, read = mlpk.load(path, mmap=True), mlpk.load(path, verify="header")
        for name, array in {**read.params, **read.buffers}.items():
            assert np.array_equal(array, {**mapped.params, **mapped.buffers}[name])


def test_its_parameters_can_be_taken(release: Release) -> None:
    with release("2.0"):
        model = gated(units=2, init="half")
        assert set(model.load_params(GATED)) == {*model.params, *model.buffers}
        assert mlpk.dumps(model) == mlpk.dumps(mlpk.load(GATED))
        other = gated(units=3, init="half")
        before = mlpk.dumps(other)
        with pytest.raises(mlpk.ShapeError, match=r"wanted shape \(3, 3\), found \(3, 2\)"):
            other.load_params(GATED)
        assert mlpk.dumps(other) == before


def test_shared_arrays_stay_shared(release: Release) -> None:
    with release("1.0"):
        x = Input((4,))
        first = mlpk.layers["acme:gated"](width=2, init="half")(x, name="first")
        again = mlpk.layers["acme:gated"](width=2)(first, name="again", share=first)
        model = Model(inputs=x, outputs=again, seed=0)
        data, wanted = mlpk.dumps(model), model.predict(Y)
    with release("2.0"):
        new = mlpk.loads(data)
        assert list(new.params) == ["first/value", "first/gate"]
        assert new.spec.nodes[1].params == {"value": "first/value", "gate": "first/gate"}
        assert np.allclose(new.predict(Y), wanted, rtol=1e-5)


def test_a_layer_inside_another_is_migrated_with_each_copy_of_its_arrays(release: Release) -> None:
    with release("1.0"):
        inside = {"kind": "gated", "width": 2, "init": "half"}
        model = Model([{"kind": "twice", "layer": inside}], input_shape=(3,), seed=0)
        data, wanted = mlpk.dumps(model), model.predict(X)
    with release("2.0"):
        new = mlpk.loads(data)
        assert set(new.params) == {f"twice/{copy}_{a}" for copy in "fg" for a in ("value", "gate")}
        assert np.allclose(new.predict(X), wanted, rtol=1e-5)


def test_two_arrays_may_become_one(release: Release) -> None:
    with release("1.0"):
        model = Model(["summed"], input_shape=(3,), seed=0)
        model.params["summed/b_out"][...] = [1, 2, 3]
        data, wanted = mlpk.dumps(model), model.predict(X)
    with release("2.0"):
        new = mlpk.loads(data)
        assert new.params["summed/bias"].tolist() == [2, 3, 4]
        assert np.array_equal(new.predict(X), wanted)


def test_every_byte_is_verified_all_the_same(release: Release) -> None:
    data = bytearray((GATED).read_bytes())
    held = mlpk.load_arrays(GATED)
    for name in ("gated/w", "dense/weight", "gated/seen"):
        damaged = bytearray(data)
        damaged[data.index(held[name].tobytes())] ^= 1
        with release("2.0"), pytest.raises(FileFormatError, match="do not match their digest"):
            mlpk.loads(bytes(damaged))


def test_beside_an_unknown_node_known_ones_are_migrated(of_acme: Acme, release: Release) -> None:
    with of_acme(acme_releases.FIRST, "1.0"):
        layers = [{"kind": "gated", "width": 2, "init": "half"}, "summed"]
        data = mlpk.dumps(Model(layers, input_shape=(3,), seed=0))
    with of_acme([acme_releases.Summed], "2.0"):
        model = mlpk.loads(data, missing="opaque")
        assert set(model.params) == {"gated/w", "summed/weight", "summed/bias"}
        assert model.params["summed/bias"].tolist() == [2] * 4
    with of_acme([acme_releases.Gated], "2.0"):
        assert mlpk.dumps(mlpk.loads(data, missing="opaque")) == data  # half is missing
    with release("2.0"):
        assert set(mlpk.loads(data, missing="opaque").params) == {
            "gated/value", "gated/gate", "summed/weight", "summed/bias"
        }  # fmt: skip


def test_layers_that_hold_another_say_what_stands_before_its_arrays() -> None:
    """Else the arrays of the layer inside would be left behind when it gets a new schema."""
    holding = {
        kind: [
            field
            for field, check in cls.__mlpk_checks__.items()
            if isinstance(check, KindCheck) and check.family is mlpk.Layer
        ]
        for kind, cls in mlpk.layers.items()
    }
    assert {kind: list(mlpk.layers[kind].wraps) for kind in holding} == holding
    inside = mlpk.layers.lstm(units=2)
    outside = mlpk.layers.bidirectional(inside)
    names = {
        start + name for start in outside.wraps["layer"] for name in inside.declare((5, 3)).params
    }
    assert set(outside.declare((5, 3)).params) == names
