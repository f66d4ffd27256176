"""Migrations that do not fit the file, and files that do not fit the migrations."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import acme_releases
import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, FileFormatError, Input, Model, define
from mlpk.migration import Form, computed, filled, newest
from mlpk_schemas.records import plain

Acme = Callable[[Any, str], AbstractContextManager[None]]
Later = Callable[[Any], AbstractContextManager[None]]
Load = Callable[[Any], Model]
TAKEN = ("declare", "matrix", "spread", "__annotations__", "__doc__", "kind", "__module__")


def broken(_: Form) -> Form:
    return {}["weight"]


def _cut(old: Form, stop: int = 2, parts: int = 1) -> Form:
    old.params["w"] = old.params["w"].part(0, stop).split(parts)[0]
    return old


@pytest.fixture
def later(of_acme: Acme) -> Later:
    """Return what lets a release be active that reads the gated layer of the first through a step."""

    def through(step: Any) -> AbstractContextManager[None]:
        names = {name: value for name, value in vars(acme_releases.Gated).items() if name in TAKEN}
        names |= {"init": "ones", "schema": 2, "migrations": {1: step}}
        return of_acme([define(type("Later", (acme_releases.Matrix,), names))], "2.0")

    return through


@pytest.fixture
def load(of_acme: Acme, later: Later) -> Load:
    """Return what writes a gated layer in the first release, and loads it through a step."""

    def through(step: Any) -> Model:
        with of_acme(acme_releases.FIRST, "1.0"):
            layers = [{"kind": "gated", "width": 2}]
            data = mlpk.dumps(Model(layers, input_shape=(3,), seed=0))
        with later(step):
            return mlpk.loads(data)

    return through


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
        (acme_releases.gated_names, "wanted the arrays ['gate', 'value'], found ['weight']"),
        (
            lambda old: acme_releases.gated_split(acme_releases.gated_names(_cut(old))),
            "wanted float32 of shape (3, 2), found f32 of shape (3, 1)",
        ),
        (lambda old: _cut(old, 9), "wanted a part of 4 on axis 1, found 0:9"),
        (lambda old: _cut(old, 3, 2), "a multiple of 2, found 3"),
    ],
)
def test_what_does_not_fit_is_refused_as_a_fault_of_the_file(
    load: Load, step: Any, sentence: str
) -> None:
    with pytest.raises(FileFormatError) as caught:
        load(step)
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
    of_acme: Acme, later: Later, change: Any, tmp_path: Path
) -> None:
    def step(old: Form) -> Form:
        made = acme_releases.gated_split(acme_releases.gated_names(old))
        change(made.params, made.buffers)
        return made

    path = tmp_path / "a.mlpk"
    with of_acme(acme_releases.FIRST, "1.0"):
        Model([{"kind": "gated", "width": 2}], input_shape=(3,), seed=0).save(path)
    with later(step):
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


def test_nodes_that_share_an_array_share_what_a_closure_makes_of_it(
    of_acme: Acme, later: Later
) -> None:
    def step(old: Form) -> Form:
        made, factor = acme_releases.gated_split(acme_releases.gated_names(old)), np.float32(2)
        made.params["value"] = computed(lambda array: array * factor, made.params["value"])
        return made

    x = Input((2,))
    with of_acme(acme_releases.FIRST, "1.0"):
        layer = mlpk.layers["acme:gated"](width=1)
        first = layer(x, name="a")
        data = mlpk.dumps(Model(inputs=x, outputs=layer(first, name="b", share=first)))
    with later(step):
        model = mlpk.loads(data)
    assert sorted(model.params) == ["a/gate", "a/value"]
    assert model.params["a/value"].tolist() == [[2], [2]]


def test_what_else_nodes_make_of_an_array_that_they_share_is_refused(
    of_acme: Acme, later: Later
) -> None:
    def step(old: Form) -> Form:
        made, factor = (
            acme_releases.gated_split(acme_releases.gated_names(old)),
            old.config["units"],
        )
        made.params["value"] = computed(lambda array: array * factor, made.params["value"])
        return made

    x = Input((2,))
    with of_acme(acme_releases.FIRST, "1.0"):
        first = mlpk.layers["acme:gated"](width=1)(x, name="a")
        other = mlpk.layers["acme:gated"](width=1, init="zeros")
        data = mlpk.dumps(Model(inputs=x, outputs=other(first, name="b", share=first)))
    with later(step), pytest.raises(FileFormatError) as caught:
        mlpk.loads(data)
    assert "make two arrays called 'a/value'" in str(caught.value)
    assert "only if it stands at the level of a module" in str(caught.value)


def test_names_may_change_places(of_acme: Acme) -> None:
    def swapped(old: Form) -> Form:
        made = acme_releases.gated_split(acme_releases.gated_names(old))
        return Form(made.config, made.params, made.buffers)

    def turned(old: Form) -> Form:
        old.params["value"], old.params["gate"] = old.params["gate"], old.params["value"]
        return old

    with of_acme([acme_releases.Gated], "2.0"):
        model = Model([{"kind": "gated", "units": 2}], input_shape=(3,), seed=0)
        model.params["gated/value"][...], model.params["gated/gate"][...] = 1, 2
        data = mlpk.dumps(model)
    names = {name: value for name, value in vars(acme_releases.Gated).items() if name in TAKEN}
    steps = {1: swapped, 2: swapped, 3: turned}
    names |= {"init": "ones", "schema": 4, "migrations": steps}
    with of_acme([define(type("Turned", (acme_releases.Matrix,), names))], "3.0"):
        model = mlpk.loads(data)
    assert model.params["gated/value"].tolist() == [[2, 2]] * 3
    assert model.params["gated/gate"].tolist() == [[1, 1]] * 3


def test_what_is_new_is_filled(load: Load) -> None:
    def step(old: Form) -> Form:
        made = acme_releases.gated_names(old)
        shape = (3, 2)
        weight = made.params.pop("weight")
        made.params |= {"value": weight.part(0, 2), "gate": filled(shape, 7, weight.dtype)}
        return made

    model = load(step)
    assert model.params["gated/gate"].tolist() == [[7, 7]] * 3


def test_nothing_is_made_before_all_of_it_fits(load: Load) -> None:
    def step(old: Form) -> Form:
        made = acme_releases.gated_names(old)
        made.params = {"value": filled((2**40, 2**40), 0, "float32"), **made.params}
        return made

    with pytest.raises(FileFormatError, match="wanted the arrays"):
        load(step)


def test_the_form_that_was_read_stays_as_it_was() -> None:
    form = Form({"width": 2, "init": {"a": [1]}}, {"w": filled((3, 4), 1, "float32")})
    with pytest.raises(ConfigError):
        newest(acme_releases.Gated, "acme:gated", 1, Form({"width": 2}))
    newest(acme_releases.Gated, "acme:gated", 1, form)
    assert form.config == {"width": 2, "init": {"a": [1]}}
    assert list(form.params) == ["w"]


def test_shared_arrays_of_which_one_node_makes_something_else_are_refused(of_acme: Acme) -> None:
    x = Input((4,))
    with of_acme(acme_releases.FIRST, "1.0"):
        first = mlpk.layers.dense(units=4, bias=False)(x, name="a")
        second = mlpk.layers["acme:gated"](width=2)(first, name="b")
        spec = plain(Model(inputs=x, outputs=second, seed=0).spec)
        spec["nodes"][1]["params"] = {"w": "a/weight"}
        data = mlpk.dumps(Model.from_spec(spec, seed=0))
    with of_acme(acme_releases.LATER, "2.0"), pytest.raises(FileFormatError) as caught:
        mlpk.loads(data)
    assert "node 'b' shares 'a/weight' with a node whose migrations make something" in str(
        caught.value
    )


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
