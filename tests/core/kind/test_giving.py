"""A kind is given as an instance, a name or a mapping; what is none of these is told so."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import attrs
import pytest

import mlpk
from mlpk import ConfigError, Layer, UnknownKindError


@pytest.mark.parametrize(
    "value",
    [
        {"kind": "dense", "units": 3},
        {"units": 3, "kind": "dense"},
        {"kind": "dense", "units": 3, "init": "glorot_uniform"},
        {"kind": "dense", "units": 3, "init": {"kind": "glorot_uniform"}},
    ],
)
def test_an_instance_a_name_and_a_mapping_mean_the_same(value: Any) -> None:
    dense = mlpk.layers.dense(units=3)
    assert Layer.of(value) == dense == Layer.of(dense)
    assert Layer.of(dense) is dense
    assert Layer.of("relu") == mlpk.layers.relu() == Layer.of({"kind": "relu"})


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("dense", "layers: 'dense' wants units: write mlpk.layers.dense(units=...) or"),
        (
            {"kind": "dense", "unit": 3},
            "layers.unit: there is no such field; the fields are: units",
        ),
        ({"kind": "dense", "units": "3"}, "layers.units: wanted an integer, found '3' (str)"),
        ({"kind": "dense", "units": 0}, "layers.units: must be >= 1: 0"),
        ({"kind": 3}, "layers: wanted one of the layers: an instance, a name or"),
        ({"units": 3}, "layers: wanted one of the layers: an instance, a name or"),
        (3, "layers: wanted one of the layers: an instance, a name or"),
        (None, "layers: wanted one of the layers: an instance, a name or"),
    ],
)
def test_what_is_none_of_these_is_told_what_was_wanted(value: Any, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Layer.of(value)
    assert str(caught.value).startswith(sentence)


def test_an_instance_of_another_family_is_refused() -> None:
    with pytest.raises(ConfigError, match="wanted one of the layers"):
        Layer.of(mlpk.optimizers.sgd())


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UnknownKindError, match="Did you mean 'dense'") as caught:
        Layer.of("dens")
    assert (caught.value.family, caught.value.name) == ("layers", "dens")


def test_a_near_name_is_enough() -> None:
    with pytest.raises(UnknownKindError) as caught:
        mlpk.layers["dnese"]
    assert str(caught.value) == "there is no 'dnese' among the layers. Did you mean 'dense'?"
    with pytest.raises(UnknownKindError, match=r"layers\. Known are: add, "):
        mlpk.layers["qqqq"]


def test_a_name_alone_is_told_the_fields_that_it_lacks() -> None:
    wanted = (
        "adam.lr: 'cosine' wants lr and steps: write mlpk.schedules.cosine(lr=..., steps=...) or "
        '{"kind": "cosine", "lr": ..., "steps": ...}'
    )
    for value in ("cosine", {"kind": "cosine"}):
        with pytest.raises(ConfigError) as caught:
            mlpk.optimizers.adam(lr=value)
        assert str(caught.value) == wanted
    with pytest.raises(ConfigError, match=r"^adam.lr.steps: this field is missing$"):
        mlpk.optimizers.adam(lr={"kind": "cosine", "lr": 0.1})


def test_text_is_no_number() -> None:
    wanted = (
        r"^adam.lr: wanted a number, found the text '1e-3' \(str\); write it without quotes: 0.001"
    )
    with pytest.raises(ConfigError, match=wanted):
        mlpk.optimizers.adam(lr="1e-3")
    with pytest.raises(ConfigError, match=r"^adam.lr: .* Did you mean 'cosine'\?$"):
        mlpk.optimizers.adam(lr="cosnie")
    both = (
        r"^adam.lr: wanted one of the schedules \(.*\) or a number; there is no 'a' among the sche"
    )
    with pytest.raises(ConfigError, match=both):
        mlpk.optimizers.adam(lr="a")
    with pytest.raises(ConfigError, match=r"^adam.lr: 'cosine' wants lr and steps"):
        mlpk.optimizers.adam(lr="cosine")


def test_a_class_in_a_field_wants_to_be_called() -> None:
    wanted = r"^bidirectional.layer: wanted .*, found the class LSTM; call it .*: lstm\(\.\.\.\)$"
    with pytest.raises(ConfigError, match=wanted):
        mlpk.layers.bidirectional(mlpk.layers.lstm)
    with pytest.raises(
        ConfigError, match=r"^adam.lr: .*found the class Cosine; call it .*cosine\("
    ):
        mlpk.optimizers.adam(lr=mlpk.schedules.cosine)


def test_an_unknown_name_in_a_field_is_an_error_of_that_field() -> None:
    with pytest.raises(ConfigError, match=r"^dense\.init: there is no 'zero'.*mean 'zeros'"):
        mlpk.layers.dense(units=1, init="zero")
    with pytest.raises(ConfigError, match=r"^dense\.init\.std: must be >= 0|^dense\.init\.std: "):
        mlpk.layers.dense(units=1, init={"kind": "normal", "std": -1})


def test_an_instance_is_frozen_and_equal_by_its_fields() -> None:
    dense = mlpk.layers.dense(units=2)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        dense.units = 3
    assert dense == mlpk.layers.dense(units=2) != mlpk.layers.dense(units=3)
    assert repr(dense) == "Dense(units=2, bias=True, init=GlorotUniform())"
    assert copy.deepcopy(dense) == dense == pickle.loads(pickle.dumps(dense))
    assert attrs.evolve(dense, units=3) == mlpk.layers.dense(units=3)
