"""Files of an earlier schema, read by the classes of today."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, FileFormatError, Input, MissingPluginError, Model, catalog, define
from mlpk.errors import TooNew
from mlpk.file import model_file
from mlpk.kind import KindCheck
from mlpk.migration import Form, computed, filled, newest
from mlpk_schemas.records import plain

HERE = Path(__file__).parent / "older"
X = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
Y = np.random.default_rng(1).standard_normal((8, 4)).astype(np.float32)
Release = Callable[[str], AbstractContextManager[None]]


def _plugin() -> Any:
    spec = spec_from_file_location("older_plugin", HERE / "plugin.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # annotations are looked up there
    spec.loader.exec_module(module)
    return module


PLUGIN = _plugin()
RELEASES = {"1.0": PLUGIN.FIRST, "2.0": PLUGIN.LATER}


@contextmanager
def of_acme(things: Any, version: str) -> Iterator[None]:
    """Let these kinds be active for a while, as those of a release of acme."""
    held = catalog.current()
    brought = [catalog.Brought(thing.family, thing.kind, "acme", thing) for thing in things]
    record = catalog.Record("acme", version, "active", 0.0, ())
    catalog.swap(lambda _: catalog.Catalog([*held.brought, *brought], [*held.records, record]))
    try:
        yield
    finally:
        catalog.swap(lambda _: held)


@pytest.fixture
def release(own_catalog: None) -> Release:
    """Return what makes a release of acme active for a while."""
    del own_catalog
    return lambda version: of_acme(RELEASES[version], version)


def gated(**options: Any) -> Model:
    layers = [{"kind": "dense", "units": 3}, {"kind": "gated", **options}, "relu"]
    return Model(layers, input_shape=(3,), seed=0)


class TestNetworks:
    """A renamed field, a renamed array, a split one."""

    def test_a_file_that_the_first_release_wrote_is_read_by_the_later_one(
        self, release: Release
    ) -> None:
        path = HERE / "gated-1.mlpk"
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

    def test_in_the_release_that_wrote_it_nothing_changes(self, release: Release) -> None:
        path = HERE / "gated-1.mlpk"
        with release("1.0"):
            assert mlpk.dumps(mlpk.load(path)) == path.read_bytes()

    def test_saved_again_it_is_a_file_of_the_later_release(self, release: Release) -> None:
        with release("2.0"):
            model = mlpk.load(HERE / "gated-1.mlpk")
            again = mlpk.loads(mlpk.dumps(model))
            assert again.spec == model.spec
            assert np.array_equal(again.predict(X), model.predict(X))
            fresh = gated(units=2, init="half")
            assert fresh.spec == model.spec
            assert list(fresh.params) == list(model.params)

    def test_it_can_be_mapped(self, release: Release) -> None:
        path = HERE / "gated-1.mlpk"
        with release("2.0"):
            mapped, read = mlpk.load(path, mmap=True), mlpk.load(path, verify="header")
            for name, array in {**read.params, **read.buffers}.items():
                assert np.array_equal(array, {**mapped.params, **mapped.buffers}[name])

    def test_its_parameters_can_be_taken(self, release: Release) -> None:
        with release("2.0"):
            model = gated(units=2, init="half")
            assert set(model.load_params(HERE / "gated-1.mlpk")) == {*model.params, *model.buffers}
            assert mlpk.dumps(model) == mlpk.dumps(mlpk.load(HERE / "gated-1.mlpk"))
            other = gated(units=3, init="half")
            before = mlpk.dumps(other)
            with pytest.raises(mlpk.ShapeError, match=r"wanted shape \(3, 3\), found \(3, 2\)"):
                other.load_params(HERE / "gated-1.mlpk")
            assert mlpk.dumps(other) == before

    def test_shared_arrays_stay_shared(self, release: Release) -> None:
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

    def test_a_layer_inside_another_is_migrated_with_each_copy_of_its_arrays(
        self, release: Release
    ) -> None:
        with release("1.0"):
            inside = {"kind": "gated", "width": 2, "init": "half"}
            model = Model([{"kind": "twice", "layer": inside}], input_shape=(3,), seed=0)
            data, wanted = mlpk.dumps(model), model.predict(X)
        with release("2.0"):
            new = mlpk.loads(data)
            assert set(new.params) == {
                f"twice/{copy}_{a}" for copy in "fg" for a in ("value", "gate")
            }
            assert np.allclose(new.predict(X), wanted, rtol=1e-5)

    def test_two_arrays_may_become_one(self, release: Release) -> None:
        with release("1.0"):
            model = Model(["summed"], input_shape=(3,), seed=0)
            model.params["summed/b_out"][...] = [1, 2, 3]
            data, wanted = mlpk.dumps(model), model.predict(X)
        with release("2.0"):
            new = mlpk.loads(data)
            assert new.params["summed/bias"].tolist() == [2, 3, 4]
            assert np.array_equal(new.predict(X), wanted)

    def test_every_byte_is_verified_all_the_same(self, release: Release) -> None:
        data = bytearray((HERE / "gated-1.mlpk").read_bytes())
        held = mlpk.load_arrays(HERE / "gated-1.mlpk")
        for name in ("gated/w", "dense/weight", "gated/seen"):
            damaged = bytearray(data)
            damaged[data.index(held[name].tobytes())] ^= 1
            with release("2.0"), pytest.raises(FileFormatError, match="do not match their digest"):
                mlpk.loads(bytes(damaged))

    def test_beside_an_unknown_node_known_ones_are_migrated(self, release: Release) -> None:
        with of_acme(PLUGIN.FIRST, "1.0"):
            layers = [{"kind": "gated", "width": 2, "init": "half"}, "summed"]
            data = mlpk.dumps(Model(layers, input_shape=(3,), seed=0))
        with of_acme([PLUGIN.Summed], "2.0"):
            model = mlpk.loads(data, missing="opaque")
            assert set(model.params) == {"gated/w", "summed/weight", "summed/bias"}
            assert model.params["summed/bias"].tolist() == [2] * 4
        with of_acme([PLUGIN.Gated], "2.0"):
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


class TestRuns:
    """A training run goes on in the later release, or is refused."""

    def train(self, path: Path, layers: list[Any], epochs: int, **changes: Any) -> Model:
        model = Model(layers, input_shape=(3,), seed=0)
        options = {"checkpoint": path, "resume": True, "batch_size": 4, "progress": False}
        model.fit(X, Y, epochs=epochs, **{**options, "loss": "mean_squared_error", **changes})
        return model

    def options(self, old: bool) -> dict[str, Any]:
        return {
            "optimizer": {
                "kind": "roll",
                "lr": {"kind": "ramp", "over" if old else "steps": 7},
                "beta" if old else "rho": 0.75,
            },
            "loss": {"kind": "square", "times" if old else "factor": 0.5},
            "regularizer": {"kind": "pull", "by" if old else "much": 0.25},
        }

    def test_it_goes_on_as_if_nothing_had_changed(self, release: Release, tmp_path: Path) -> None:
        inside = {"kind": "gated", "init": {"kind": "half", "number": 0.125}, "width": 2}
        now = {"kind": "gated", "init": {"kind": "half", "value": 0.125}, "units": 2}
        with release("1.0"):
            self.train(tmp_path / "run.mlpk", [inside], 2, **self.options(old=True))
            held = mlpk.load_arrays(tmp_path / "run.mlpk")
            whole = self.train(tmp_path / "whole.mlpk", [inside], 4, **self.options(old=True))
        with release("2.0"):
            _, arrays = model_file.checkpoint(tmp_path / "run.mlpk")
            speed = held["slot:gated/w/speed"]
            assert np.array_equal(arrays["slot:gated/value/v"], speed[:, :2])
            assert np.array_equal(arrays["slot:gated/gate/v"], speed[:, 2:])
            assert "slot:gated/w/speed" not in arrays
            model = self.train(tmp_path / "run.mlpk", [now], 4, **self.options(old=False))
            weight = np.concatenate([model.params["gated/value"], model.params["gated/gate"]], 1)
            assert np.allclose(weight, whole.params["gated/w"], rtol=1e-5)
            assert not np.allclose(weight, held["gated/w"], rtol=1e-3)
            assert model.buffers["gated/seen"] == 8
            state = mlpk.inspect(tmp_path / "run.mlpk").state
            assert state is not None
            assert (state.optimizer.schema, state.optimizer.slots) == (2, ("v",))

    def test_loading_verifies_the_state_of_a_run_as_well(
        self, release: Release, tmp_path: Path
    ) -> None:
        path = tmp_path / "run.mlpk"
        with release("1.0"):
            layers = [{"kind": "gated", "width": 2}]
            self.train(path, layers, 1, **self.options(old=True))
        data, held = path.read_bytes(), mlpk.load_arrays(path)
        for name in ("slot:gated/w/speed", "state:history/loss"):
            damaged = bytearray(data)
            damaged[data.index(held[name].tobytes())] ^= 1
            with release("2.0"), pytest.raises(FileFormatError, match="do not match their digest"):
                mlpk.loads(bytes(damaged))

    def test_another_plan_is_told_in_the_words_of_today(
        self, release: Release, tmp_path: Path
    ) -> None:
        with release("1.0"):
            layers = [{"kind": "gated", "width": 2}]
            self.train(tmp_path / "run.mlpk", layers, 1, **self.options(old=True))
        options = self.options(old=False)
        options["optimizer"]["lr"]["steps"] = 8
        with release("2.0"), pytest.raises(ConfigError, match=r"config\.lr\.config\.steps.*had 7"):
            self.train(tmp_path / "run.mlpk", [{"kind": "gated", "units": 2}], 2, **options)

    def test_slots_of_computed_parameters_are_not_invented(
        self, release: Release, tmp_path: Path
    ) -> None:
        path, layers = tmp_path / "run.mlpk", ["summed", {"kind": "dense", "units": 4}]
        with release("1.0"):
            wanted = self.train(path, layers, 1, optimizer="momentum").predict(X)
        before = path.read_bytes()
        with release("2.0"):
            assert np.allclose(mlpk.load(path).predict(X), wanted, rtol=1e-5)
            with pytest.raises(ConfigError) as caught:
                self.train(path, layers, 2, optimizer="momentum")
            assert str(caught.value) == (
                f"resume: the run in {path} cannot go on: 'summed/bias' is new since then, or "
                "computed from the arrays of that time, and nothing tells what belongs into its "
                "slots; start anew from its parameters (load_params)"
            )
            assert path.read_bytes() == before

    def test_without_slots_there_is_nothing_to_invent(
        self, release: Release, tmp_path: Path
    ) -> None:
        path, layers = tmp_path / "run.mlpk", ["summed", {"kind": "dense", "units": 4}]
        with release("1.0"):
            self.train(path, layers, 1, optimizer="sgd")
        with release("2.0"):
            assert len(self.train(path, layers, 2, optimizer="sgd").params) == 4

    def test_a_callback_s_own_arrays_stop_it_where_layers_have_changed(
        self, release: Release, tmp_path: Path
    ) -> None:
        path = tmp_path / "run.mlpk"
        options = {"optimizer": "sgd", "callbacks": ["moving_average"]}
        with release("1.0"):
            self.train(path, [{"kind": "gated", "width": 2}], 1, **options)
        with (
            release("2.0"),
            pytest.raises(ConfigError, match="'moving_average' left arrays of its"),
        ):
            self.train(path, [{"kind": "gated", "units": 2}], 2, **options)


class TestNewer:
    """A file of a later release than the one that is here."""

    @pytest.fixture
    def data(self, release: Release) -> bytes:
        with release("2.0"):
            layers = [{"kind": "gated", "units": 2, "init": "half"}, "summed", "relu"]
            return mlpk.dumps(Model(layers, input_shape=(3,), seed=0))

    def test_all_kinds_are_named_at_once_with_both_schemas(
        self, data: bytes, release: Release
    ) -> None:
        with release("1.0"), pytest.raises(MissingPluginError) as caught:
            mlpk.loads(data)
        assert caught.value.kinds == ()
        assert caught.value.newer == (
            TooNew("acme:gated", 3, 1, "acme", "1.0", "acme 2.0"),
            TooNew("acme:summed", 2, 1, "acme", "1.0", "acme 2.0"),
            TooNew("acme:half", 2, 1, "acme", "1.0", "acme 2.0"),
        )
        assert str(caught.value) == (
            "3 kinds of this file are newer than here: 'acme:gated' has schema 3 there (the file "
            "claims: 'acme 2.0') and 1 in acme 1.0; 'acme:summed' has schema 2 there (the file "
            "claims: 'acme 2.0') and 1 in acme 1.0; 'acme:half' has schema 2 there (the file "
            "claims: 'acme 2.0') and 1 in acme 1.0. A newer release is needed of: acme. Install "
            "only what you know and trust, or load with missing='opaque' to look at the rest."
        )

    @pytest.mark.usefixtures("own_catalog")
    def test_missing_kinds_are_named_beside_them(self, data: bytes) -> None:
        with of_acme([PLUGIN.OldGated], "1.0"), pytest.raises(MissingPluginError) as caught:
            mlpk.loads(data)
        assert [kind for kind, *_ in caught.value.kinds] == ["acme:summed", "acme:half"]
        assert [kind.id for kind in caught.value.newer] == ["acme:gated"]
        assert caught.value.reasons["acme:half"] == "acme 1.0 is active, and has no such kind"

    def test_as_opaque_nodes_they_are_kept(self, data: bytes, release: Release) -> None:
        with release("1.0"):
            model = mlpk.loads(data, missing="opaque")
            assert mlpk.dumps(model) == data
            with pytest.raises(
                MissingPluginError, match="'acme:gated' has schema 3 there"
            ) as caught:
                model.predict(X)
            assert [kind.id for kind in caught.value.newer] == ["acme:gated", "acme:half"]


TAKEN = ("declare", "matrix", "spread", "__annotations__", "__doc__", "kind", "__module__")


def broken(_: Form) -> Form:
    return {}["weight"]


@pytest.mark.usefixtures("own_catalog")
class TestFaults:
    """Migrations that do not fit the file, and files that do not fit the migrations."""

    def load(
        self, step: Any, layers: Any = ({"kind": "gated", "width": 2},), **options: Any
    ) -> Any:
        with of_acme(PLUGIN.FIRST, "1.0"):
            data = mlpk.dumps(Model(layers, input_shape=(3,), seed=0))
        with self.later(step):
            return mlpk.loads(data, **options)

    def later(self, step: Any) -> AbstractContextManager[None]:
        """Let a release be active that reads the gated layer of the first one through a step."""
        names = {name: value for name, value in vars(PLUGIN.Gated).items() if name in TAKEN}
        names |= {"init": "ones"}
        later = define(
            type("Later", (PLUGIN.Matrix,), {**names, "schema": 2, "migrations": {1: step}})
        )
        return of_acme([later], "2.0")

    @pytest.mark.parametrize(
        ("step", "sentence"),
        [
            (broken, "acme:gated, migration from schema 1 to 2"),
            (lambda _: None, "wanted the Form of the next schema, found None"),
            (lambda old: Form(old.config, {"w": 3}), "wanted arrays made of those given, found 3"),
            (lambda old: Form(old.config, None), "a dict with text as keys in its params, found N"),
            (lambda old: Form(old.config, {1: old.params["w"]}), "text as keys in its params"),
            (lambda old: Form(old.config, old.params, []), "text as keys in its buffers, found []"),
            (lambda old: Form(None, old.params), "a dict with text as keys in its config"),
            (lambda old: Form({1: 2}, old.params), "a dict with text as keys in its config"),
            (lambda old: Form({}, old.params, {}, "v"), "a dict with text as keys in its slots"),
            (lambda old: Form({}, old.params, {}, {"v": 1}), "slots under their earlier names"),
            (lambda old: old, "width"),
            (PLUGIN.gated_names, "wanted the arrays ['gate', 'value'], found ['weight']"),
            (
                lambda old: PLUGIN.gated_split(PLUGIN.gated_names(_cut(old))),
                "wanted float32 of shape (3, 2), found f32 of shape (3, 1)",
            ),
            (lambda old: _cut(old, 9), "wanted a part of 4 on axis 1, found 0:9"),
            (lambda old: _cut(old, 3, 2), "a multiple of 2, found 3"),
        ],
    )
    def test_what_does_not_fit_is_refused_as_a_fault_of_the_file(
        self, step: Any, sentence: str
    ) -> None:
        with pytest.raises(FileFormatError) as caught:
            self.load(step)
        assert sentence in str(caught.value)

    @pytest.mark.parametrize(
        "change",
        [
            lambda params, buffers: buffers.update(value=params.pop("value")),
            lambda params, _: params.clear(),
            lambda params, _: params.update(value=filled((3, 2), 1, "float64")),
        ],
    )
    def test_parameters_are_not_taken_from_what_would_not_load(
        self, change: Any, tmp_path: Path
    ) -> None:
        def step(old: Form) -> Form:
            made = PLUGIN.gated_split(PLUGIN.gated_names(old))
            change(made.params, made.buffers)
            return made

        path = tmp_path / "a.mlpk"
        with of_acme(PLUGIN.FIRST, "1.0"):
            Model([{"kind": "gated", "width": 2}], input_shape=(3,), seed=0).save(path)
        with self.later(step):
            model = Model([{"kind": "gated", "units": 2}], input_shape=(3,), seed=1)
            before = {name: array.copy() for name, array in model.params.items()}
            said = []
            for read in (mlpk.load, lambda path: model.load_params(path, strict=False)):
                with pytest.raises(FileFormatError) as caught:
                    read(path)
                said.append(str(caught.value))
            assert said[0] == said[1]
            for name, array in model.params.items():
                assert np.array_equal(array, before[name])

    def test_nodes_that_share_an_array_share_what_a_closure_makes_of_it(self) -> None:
        def step(old: Form) -> Form:
            made, factor = PLUGIN.gated_split(PLUGIN.gated_names(old)), np.float32(2)
            made.params["value"] = computed(lambda array: array * factor, made.params["value"])
            return made

        x = Input((2,))
        with of_acme(PLUGIN.FIRST, "1.0"):
            layer = mlpk.layers["acme:gated"](width=1)
            first = layer(x, name="a")
            data = mlpk.dumps(Model(inputs=x, outputs=layer(first, name="b", share=first)))
        with self.later(step):
            model = mlpk.loads(data)
        assert sorted(model.params) == ["a/gate", "a/value"]
        assert model.params["a/value"].tolist() == [[2], [2]]

    def test_what_else_nodes_make_of_an_array_that_they_share_is_refused(self) -> None:
        def step(old: Form) -> Form:
            made, factor = PLUGIN.gated_split(PLUGIN.gated_names(old)), old.config["units"]
            made.params["value"] = computed(lambda array: array * factor, made.params["value"])
            return made

        x = Input((2,))
        with of_acme(PLUGIN.FIRST, "1.0"):
            first = mlpk.layers["acme:gated"](width=1)(x, name="a")
            other = mlpk.layers["acme:gated"](width=1, init="zeros")
            data = mlpk.dumps(Model(inputs=x, outputs=other(first, name="b", share=first)))
        with self.later(step), pytest.raises(FileFormatError) as caught:
            mlpk.loads(data)
        assert "make two arrays called 'a/value'" in str(caught.value)
        assert "only if it stands at the level of a module" in str(caught.value)

    def test_names_may_change_places(self) -> None:
        def swapped(old: Form) -> Form:
            made = PLUGIN.gated_split(PLUGIN.gated_names(old))
            return Form(made.config, made.params, made.buffers)

        def turned(old: Form) -> Form:
            old.params["value"], old.params["gate"] = old.params["gate"], old.params["value"]
            return old

        with of_acme([PLUGIN.Gated], "2.0"):
            model = Model([{"kind": "gated", "units": 2}], input_shape=(3,), seed=0)
            model.params["gated/value"][...], model.params["gated/gate"][...] = 1, 2
            data = mlpk.dumps(model)
        names = {name: value for name, value in vars(PLUGIN.Gated).items() if name in TAKEN}
        steps = {1: swapped, 2: swapped, 3: turned}
        names |= {"init": "ones", "schema": 4, "migrations": steps}
        with of_acme([define(type("Turned", (PLUGIN.Matrix,), names))], "3.0"):
            model = mlpk.loads(data)
        assert model.params["gated/value"].tolist() == [[2, 2]] * 3
        assert model.params["gated/gate"].tolist() == [[1, 1]] * 3

    def test_what_is_new_is_filled(self) -> None:
        def step(old: Form) -> Form:
            made = PLUGIN.gated_names(old)
            shape = (3, 2)
            weight = made.params.pop("weight")
            made.params |= {"value": weight.part(0, 2), "gate": filled(shape, 7, weight.dtype)}
            return made

        model = self.load(step)
        assert model.params["gated/gate"].tolist() == [[7, 7]] * 3

    def test_nothing_is_made_before_all_of_it_fits(self) -> None:
        def step(old: Form) -> Form:
            made = PLUGIN.gated_names(old)
            made.params = {"value": filled((2**40, 2**40), 0, "float32"), **made.params}
            return made

        with pytest.raises(FileFormatError, match="wanted the arrays"):
            self.load(step)

    def test_the_form_that_was_read_stays_as_it_was(self) -> None:
        form = Form({"width": 2, "init": {"a": [1]}}, {"w": filled((3, 4), 1, "float32")})
        with pytest.raises(ConfigError):
            newest(PLUGIN.Gated, "acme:gated", 1, Form({"width": 2}))
        newest(PLUGIN.Gated, "acme:gated", 1, form)
        assert form.config == {"width": 2, "init": {"a": [1]}}
        assert list(form.params) == ["w"]

    def test_shared_arrays_of_which_one_node_makes_something_else_are_refused(self) -> None:
        x = Input((4,))
        with of_acme(PLUGIN.FIRST, "1.0"):
            first = mlpk.layers.dense(units=4, bias=False)(x, name="a")
            second = mlpk.layers["acme:gated"](width=2)(first, name="b")
            spec = plain(Model(inputs=x, outputs=second, seed=0).spec)
            spec["nodes"][1]["params"] = {"w": "a/weight"}
            data = mlpk.dumps(Model.from_spec(spec, seed=0))
        with of_acme(PLUGIN.LATER, "2.0"), pytest.raises(FileFormatError) as caught:
            mlpk.loads(data)
        assert "node 'b' shares 'a/weight' with a node whose migrations make something" in str(
            caught.value
        )


def _cut(old: Form, stop: int = 2, parts: int = 1) -> Form:
    old.params["w"] = old.params["w"].part(0, stop).split(parts)[0]
    return old


@pytest.mark.parametrize(
    ("schema", "migrations", "found"),
    [
        (2, {}, "found none"),
        (3, {2: broken}, "found 2"),
        (1, {1: broken}, "found 1"),
        (2, {1: broken, 2: broken}, "found 1, 2"),
        (2, [broken], r"found \[<function"),
        (2, {1: "broken"}, "wanted a function, found 'broken'"),
    ],
)
def test_a_class_has_a_migration_from_each_schema_before_its_own(
    schema: int, migrations: Any, found: str
) -> None:
    names = {"kind": "thing", "schema": schema, "migrations": migrations, "at": lambda *_: 0.0}
    with pytest.raises(ConfigError, match=rf"Thing\.migrations.*{found}"):
        define(type("Thing", (mlpk.Schedule,), {"__annotations__": {}, **names}))
