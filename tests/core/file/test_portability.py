"""What only the program that saved it can load is told of when it is saved."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import catalog
from mlpk.plugins import PortabilityWarning


@mlpk.define
class Half(mlpk.Initializer):
    """Every value is one half."""

    kind: ClassVar[str] = "own_half"

    def draw(self, rng: Any, shape: tuple[int, ...], fans: tuple[int, int]) -> Any:
        return np.full(shape, 0.5)


@mlpk.define
class Calm(mlpk.Optimizer):
    """p -= lr * g, and nothing else."""

    kind: ClassVar[str] = "own_calm"

    def update(self, param: Any, grad: Any, slots: Any, step: Any) -> None:
        np.subtract(param, step.lr * grad, out=param)


@pytest.fixture(autouse=True)
def _added() -> Iterator[None]:
    held = catalog.current()
    mlpk.plugins.add(Half)
    mlpk.plugins.add(Calm)
    yield
    catalog.swap(lambda _: held)


def model(init: str = "own_half") -> mlpk.Model:
    layers = [mlpk.layers.dense(units=2, init=init), mlpk.layers.dense(units=1, init=init)]
    return mlpk.Model(layers, input_shape=(3,))


def test_saving_says_so_once_in_the_caller_s_line(tmp_path: Path) -> None:
    mine = model()
    for save in (lambda: mine.save(tmp_path / "m.mlpk"), lambda: mlpk.dumps(mine)):
        with pytest.warns(PortabilityWarning) as caught:
            save()
        assert [str(one.message) for one in caught] == [
            (
                "only a program that adds them by itself (mlpk.plugins.add) can load what is saved "
                "with these kinds: _local:own_half; make a plugin of them that others can install"
            )
        ]
        assert caught[0].filename == __file__
    assert (tmp_path / "m.mlpk").exists()


def test_a_checkpoint_says_so_of_what_trains_too(tmp_path: Path) -> None:
    x = np.ones((4, 3), np.float32)
    with pytest.warns(PortabilityWarning, match="_local:own_calm, _local:own_half;"):
        model().fit(
            x, x[:, :1], loss="mean_squared_error", optimizer="own_calm", epochs=1,
            checkpoint=tmp_path / "run.mlpk",
        )  # fmt: skip


def test_who_wants_an_error_gets_it_before_anything_is_written(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PortabilityWarning):
            model().save(tmp_path / "m.mlpk")
    assert not list(tmp_path.iterdir())


def test_what_others_have_or_what_stays_here_is_nothing_to_warn_of(tmp_path: Path) -> None:
    model("glorot_uniform").save(tmp_path / "m.mlpk")
    mlpk.dumps(model("glorot_uniform"))
    copy = pickle.loads(pickle.dumps(model()))
    assert copy.spec == model().spec


def test_elsewhere_all_kinds_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.warns(PortabilityWarning):
        model().save(tmp_path / "m.mlpk")
    catalog.swap(
        lambda _: catalog.Catalog(
            [item for item in catalog.current().brought if item.dist != "_local"],
            [record for record in catalog.current().records if record.dist != "_local"],
        )
    )
    with pytest.raises(mlpk.MissingPluginError, match=r"Kinds of '_local' come from") as caught:
        mlpk.load(tmp_path / "m.mlpk")
    assert caught.value.kinds == (("_local:own_half", "_local", ""),)
