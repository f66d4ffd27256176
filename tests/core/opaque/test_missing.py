"""A file is refused with all that it would need."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

import mlpk
from mlpk import MissingPluginError, Model, PluginError

Acting = Callable[..., AbstractContextManager[None]]
X = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)


def test_all_kinds_are_listed_at_once_with_what_the_file_claims(data: bytes) -> None:
    with pytest.raises(MissingPluginError) as caught:
        mlpk.loads(data)
    assert caught.value.kinds == (("acme:gate", "acme", "2.1"), ("beta:half", "beta", "0.3"))
    assert str(caught.value) == (
        "2 kinds of this file are not active here: 'acme:gate' (the file claims: 'acme 2.1'); "
        "'beta:half' (the file claims: 'beta 0.3'). Install only what you know and trust, or "
        "load with missing='opaque' to look at the rest."
    )
    assert isinstance(caught.value, PluginError)


def test_there_is_no_command_to_copy(data: bytes) -> None:
    with pytest.raises(MissingPluginError) as caught:
        mlpk.loads(data)
    assert "pip" not in str(caught.value)
    assert "install acme" not in str(caught.value)


def test_only_what_is_missing_is_listed(data: bytes, acting: Acting) -> None:
    with acting(beta="0.3"), pytest.raises(MissingPluginError) as caught:
        mlpk.loads(data)
    assert [kind for kind, _, _ in caught.value.kinds] == ["acme:gate"]
    assert str(caught.value).startswith("1 kind of this file is not active here: 'acme:gate'")
    with acting(acme="2.1"), pytest.raises(MissingPluginError) as caught:
        mlpk.loads(data)
    assert [kind for kind, _, _ in caught.value.kinds] == ["beta:half"]


def test_running_it_says_to_load_it_again(data: bytes) -> None:
    model = mlpk.loads(data, missing="opaque")
    with pytest.raises(MissingPluginError) as caught:
        model.predict(X)
    assert str(caught.value).endswith("what you know and trust, and load the file again.")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)


def test_a_model_whose_layers_are_all_here_predicts(acting: Acting, tmp_path: Path) -> None:
    path = tmp_path / "run.mlpk"
    with acting(gamma="1.0"):
        trained = Model([{"kind": "dense", "units": 2}], input_shape=(3,), seed=0)
        trained.fit(X, X[:, :2], loss="mean_squared_error", optimizer="drift",
                    checkpoint=path, progress=False)  # fmt: skip
    with pytest.raises(MissingPluginError) as caught:
        mlpk.load(path)
    assert "'gamma:drift'" in str(caught.value)
    assert str(caught.value).endswith(
        "or load with missing='opaque': its layers are all here, and it predicts."
    )
    model = mlpk.load(path, missing="opaque")
    assert np.array_equal(model.predict(X), trained.predict(X))


def test_a_blocked_plugin_is_as_good_as_none(data: bytes, acting: Acting) -> None:
    with acting(acme=None, beta=None), pytest.raises(MissingPluginError) as caught:
        mlpk.loads(data)
    assert len(caught.value.kinds) == 2
    assert caught.value.reasons["acme:gate"] == "acme 0 is blocked: blocked by hand"
    assert (
        "'acme:gate' (the file claims: 'acme 2.1'; acme 0 is blocked: blocked by hand); "
    ) in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.kinds, again.reasons, str(again)) == (
        caught.value.kinds, caught.value.reasons, str(caught.value)
    )  # fmt: skip


def test_where_they_are_active_it_loads_and_runs(data: bytes, acting: Acting) -> None:
    with acting(acme="9", beta="9"):
        model = mlpk.loads(data)
        assert model.params["gate/w"].tolist() == [0.5, 0.5, 0.5]
        assert model.buffers["gate/seen"] == 1
        assert model.predict(X).shape == (4, 2)
