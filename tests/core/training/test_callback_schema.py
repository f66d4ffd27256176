"""Callbacks have schemas as well: what an earlier release kept goes through migrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, MissingPluginError, Model

X = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
Y = np.random.default_rng(1).standard_normal((8, 4)).astype(np.float32)


class Counting:
    """A callback that counts epochs, in its first release."""

    kind = "counting"

    def __init__(self) -> None:
        self.count: Any = 0

    @mlpk.hookimpl
    def mlpk_epoch_end(self, fit: Any) -> None:
        self.count += 1

    def state(self) -> dict[str, Any]:
        return {"count": self.count}

    def restore(self, state: Any) -> None:
        self.count = state["count"]


class CountingInArrays(Counting):
    """In its third release it keeps an array under another name."""

    schema = 3
    migrations: ClassVar[Any] = {
        1: lambda old: {"epochs": old["count"]},
        2: lambda old: {"epochs": np.array([old["epochs"]])},
    }

    def state(self) -> dict[str, Any]:
        return {"epochs": self.count}

    def restore(self, state: Any) -> None:
        self.count = state["epochs"]


def fit(path: Path, callback: Any, epochs: int) -> None:
    model = Model(["relu", {"kind": "dense", "units": 4}], input_shape=(3,), seed=0)
    model.fit(
        X, Y, loss="mean_squared_error", optimizer="sgd", checkpoint=path, resume=True,
        epochs=epochs, callbacks=[callback], progress=False,
    )  # fmt: skip


def options(path: Path) -> Any:
    state = mlpk.inspect(path).state
    assert state is not None
    return state.fit.options


def test_their_states_go_through_migrations(tmp_path: Path) -> None:
    path = tmp_path / "run.mlpk"
    fit(path, Counting(), 2)
    assert "schemas" not in options(path)
    later = CountingInArrays()
    fit(path, later, 3)
    assert isinstance(later.count, np.ndarray)
    assert later.count.tolist() == [3]
    assert options(path)["schemas"] == {"counting": 3}
    again = CountingInArrays()
    fit(path, again, 4)
    assert again.count.tolist() == [4]


def test_a_newer_state_is_refused_with_both_numbers(tmp_path: Path) -> None:
    path = tmp_path / "run.mlpk"
    fit(path, CountingInArrays(), 1)
    before = path.read_bytes()
    with pytest.raises(MissingPluginError) as caught:
        fit(path, Counting(), 2)
    assert [(each.id, each.schema, each.here) for each in caught.value.newer] == [
        ("counting", 3, 1)
    ]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"schema": 0}, "callbacks.counting.schema: wanted an integer from 1, found 0"),
        ({"schema": 4}, "a function for each schema before 4, found none for 3"),
    ],
)
def test_what_lacks_a_migration_is_refused_before_the_first_step(
    tmp_path: Path, changes: Any, sentence: str
) -> None:
    callback = type("Faulty", (CountingInArrays,), changes)()
    with pytest.raises(ConfigError, match=sentence):
        fit(tmp_path / "run.mlpk", callback, 1)
    assert callback.count == 0


def test_a_migration_that_fails_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.mlpk"
    fit(path, Counting(), 1)
    for step, sentence in ((lambda old: old["no"], "KeyError: 'no'"), (lambda _: 3, "found 3")):
        faulty = type("Faulty", (CountingInArrays,), {"schema": 2, "migrations": {1: step}})
        with pytest.raises(ConfigError, match=f"migration from schema 1 to 2: .*{sentence}"):
            fit(path, faulty(), 2)
