"""A training run of an earlier release goes on in the later one, or is refused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, FileFormatError, Model, hookimpl
from mlpk.file import model_file

Release = Callable[[str], AbstractContextManager[None]]
X = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
Y = np.random.default_rng(1).standard_normal((8, 4)).astype(np.float32)


def train(path: Path, layers: list[Any], epochs: int, **changes: Any) -> Model:
    model = Model(layers, input_shape=(3,), seed=0)
    options = {"checkpoint": path, "resume": True, "batch_size": 4, "progress": False}
    model.fit(X, Y, epochs=epochs, **{**options, "loss": "mean_squared_error", **changes})
    return model


class SavesTwice:
    """Saves the run once more at its end, with its weights beside the model's."""

    @hookimpl
    def mlpk_fit_end(self, fit: Any) -> None:
        weights = {**fit.model.params, **fit.model.buffers}
        fit.save(fit.callbacks.savers[0].path, trained=weights)


def planned(old: bool) -> dict[str, Any]:
    return {
        "optimizer": {
            "kind": "roll",
            "lr": {"kind": "ramp", "over" if old else "steps": 7},
            "beta" if old else "rho": 0.75,
        },
        "loss": {"kind": "square", "times" if old else "factor": 0.5},
        "regularizer": {"kind": "pull", "by" if old else "much": 0.25},
    }


def test_it_goes_on_as_if_nothing_had_changed(release: Release, tmp_path: Path) -> None:
    inside = {"kind": "gated", "init": {"kind": "half", "number": 0.125}, "width": 2}
    now = {"kind": "gated", "init": {"kind": "half", "value": 0.125}, "units": 2}
    with release("1.0"):
        train(tmp_path / "run.mlpk", [inside], 2, **planned(old=True))
        held = mlpk.load_arrays(tmp_path / "run.mlpk")
        whole = train(tmp_path / "whole.mlpk", [inside], 4, **planned(old=True))
    with release("2.0"):
        _, arrays = model_file.checkpoint(tmp_path / "run.mlpk")
        speed = held["slot:gated/w/speed"]
        assert np.array_equal(arrays["slot:gated/value/v"], speed[:, :2])
        assert np.array_equal(arrays["slot:gated/gate/v"], speed[:, 2:])
        assert "slot:gated/w/speed" not in arrays
        model = train(tmp_path / "run.mlpk", [now], 4, **planned(old=False))
        weight = np.concatenate([model.params["gated/value"], model.params["gated/gate"]], 1)
        assert np.allclose(weight, whole.params["gated/w"], rtol=1e-5)
        assert not np.allclose(weight, held["gated/w"], rtol=1e-3)
        assert model.buffers["gated/seen"] == 8
        state = mlpk.inspect(tmp_path / "run.mlpk").state
        assert state is not None
        assert (state.optimizer.schema, state.optimizer.slots) == (2, ("v",))


def test_loading_verifies_the_state_of_a_run_as_well(release: Release, tmp_path: Path) -> None:
    path = tmp_path / "run.mlpk"
    with release("1.0"):
        layers = [{"kind": "gated", "width": 2}]
        train(path, layers, 1, **planned(old=True))
    data, held = path.read_bytes(), mlpk.load_arrays(path)
    for name in ("slot:gated/w/speed", "state:history/loss"):
        damaged = bytearray(data)
        damaged[data.index(held[name].tobytes())] ^= 1
        with release("2.0"), pytest.raises(FileFormatError, match="do not match their digest"):
            mlpk.loads(bytes(damaged))


def test_another_plan_is_told_in_the_words_of_today(release: Release, tmp_path: Path) -> None:
    with release("1.0"):
        layers = [{"kind": "gated", "width": 2}]
        train(tmp_path / "run.mlpk", layers, 1, **planned(old=True))
    options = planned(old=False)
    options["optimizer"]["lr"]["steps"] = 8
    with release("2.0"), pytest.raises(ConfigError, match=r"config\.lr\.config\.steps.*had 7"):
        train(tmp_path / "run.mlpk", [{"kind": "gated", "units": 2}], 2, **options)


def test_slots_of_computed_parameters_are_not_invented(release: Release, tmp_path: Path) -> None:
    path, layers = tmp_path / "run.mlpk", ["summed", {"kind": "dense", "units": 4}]
    with release("1.0"):
        wanted = train(path, layers, 1, optimizer="momentum").predict(X)
    before = path.read_bytes()
    with release("2.0"):
        assert np.allclose(mlpk.load(path).predict(X), wanted, rtol=1e-5)
        with pytest.raises(ConfigError) as caught:
            train(path, layers, 2, optimizer="momentum")
        assert str(caught.value) == (
            f"resume: the run in {path} cannot go on: 'summed/bias' is new since then, or "
            "computed from the arrays of that time, and nothing tells what belongs into its "
            "slots; start anew from its parameters (load_params)"
        )
        assert path.read_bytes() == before


def test_without_slots_there_is_nothing_to_invent(release: Release, tmp_path: Path) -> None:
    path, layers = tmp_path / "run.mlpk", ["summed", {"kind": "dense", "units": 4}]
    with release("1.0"):
        train(path, layers, 1, optimizer="sgd")
    with release("2.0"):
        assert len(train(path, layers, 2, optimizer="sgd").params) == 4


def test_a_callback_s_own_arrays_stop_it_where_layers_have_changed(
    release: Release, tmp_path: Path
) -> None:
    path = tmp_path / "run.mlpk"
    options = {"optimizer": "sgd", "callbacks": ["moving_average"]}
    with release("1.0"):
        train(path, [{"kind": "gated", "width": 2}], 1, **options)
    with (
        release("2.0"),
        pytest.raises(ConfigError, match="'moving_average' left arrays of its"),
    ):
        train(path, [{"kind": "gated", "units": 2}], 2, **options)


def test_so_do_weights_that_a_run_goes_on_with(release: Release, tmp_path: Path) -> None:
    path = tmp_path / "run.mlpk"
    with release("1.0"):
        kind = {"kind": "gated", "width": 2}
        train(path, [kind], 1, optimizer="sgd", callbacks=[SavesTwice()])
    with (
        release("2.0"),
        pytest.raises(ConfigError, match="the run left arrays of its own"),
    ):
        train(path, [{"kind": "gated", "units": 2}], 2, optimizer="sgd")
