"""What a file says about the third parties that it needs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, MissingPluginError, Model
from mlpk_schemas.records import values

Acting = Callable[..., AbstractContextManager[None]]
Made = Callable[..., Model]


def test_first_parties_are_not_named(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path / "a.mlpk")
    assert mlpk.inspect(tmp_path / "a.mlpk").plugins == ()


def test_all_ids_are_named_with_distribution_and_version(
    made: Made, acting: Acting, tmp_path: Path
) -> None:
    path = tmp_path / "a.mlpk"
    with acting(beta="0.3", acme="2.1"):
        made("gate", {"kind": "gate", "init": "half"}, "relu").save(path)
        assert [values(claim) for claim in mlpk.inspect(path).plugins] == [
            {"dist": "acme", "version": "2.1", "ids": ("acme:gate",)},
            {"dist": "beta", "version": "0.3", "ids": ("beta:half",)},
        ]
        mlpk.loads(mlpk.dumps(made("relu"))).save(path)
        assert mlpk.inspect(path).plugins == ()
        made({"kind": "dense", "units": 1, "init": "half"}).save(path)
        assert [claim.dist for claim in mlpk.inspect(path).plugins] == ["beta"]


def test_re_saving_names_the_release_that_is_installed(
    made: Made, acting: Acting, tmp_path: Path
) -> None:
    path = tmp_path / "a.mlpk"
    with acting(acme="2.1"):
        made("gate").save(path)
    with acting(acme="2.2"):
        mlpk.load(path).save(path)
    assert mlpk.inspect(path).plugins[0].version == "2.2"


def test_what_only_training_needs_is_named_too(made: Made, acting: Acting, tmp_path: Path) -> None:
    path, x = tmp_path / "run.mlpk", np.ones((4, 3), np.float32)
    with acting(gamma="1.5"):
        model = made(mlpk.layers.dense(units=2))
        options: dict[str, Any] = {"loss": "mean_squared_error", "progress": False}
        model.fit(x, x[:, :2], optimizer="drift", checkpoint=path, **options)
        assert mlpk.load(path).spec == model.spec
    (claim,) = mlpk.inspect(path).plugins
    assert values(claim) == {"dist": "gamma", "version": "1.5", "ids": ("gamma:drift",)}
    with pytest.raises(MissingPluginError) as caught:
        mlpk.load(path)
    assert caught.value.kinds == (("gamma:drift", "gamma", "1.5"),)
    assert np.array_equal(mlpk.load(path, missing="opaque").predict(x), model.predict(x))


def test_a_part_names_only_its_own(made: Made, acting: Acting, tmp_path: Path) -> None:
    with acting(acme="2.1"):
        made("relu", "gate").submodel("relu").save(tmp_path / "a.mlpk")
    assert mlpk.load(tmp_path / "a.mlpk").predict(np.ones((1, 3))).tolist() == [[1, 1, 1]]


def test_a_kind_that_was_never_registered_cannot_be_saved(
    made: Made, acting: Acting, tmp_path: Path
) -> None:
    with acting(acme="2.1"):
        gate = made("gate")
    with pytest.raises(ConfigError, match=r"Gate: this class is not registered.*plugins\.add"):
        gate.save(tmp_path / "a.mlpk")
    assert not list(tmp_path.iterdir())
