"""Weights that take the place of the run's at its end are saved beside those that it goes on with."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, Declaration, Example, Layer, Param, define, hookimpl
from mlpk.file import model_file, writer
from mlpk.file.diagnosis import diagnosed
from mlpk.file.source import Source
from mlpk_schemas.records import evolved


class Doubles:
    """Saves at the end of the run, with twice the weights in the model."""

    def __init__(self, path, change=lambda trained: trained):
        self.path = path
        self.change = change

    @hookimpl
    def mlpk_fit_end(self, fit):
        weights = {**fit.model.params, **fit.model.buffers}
        trained = {name: array.copy() for name, array in weights.items()}
        for array in weights.values():
            np.multiply(array, 2, out=array)
        fit.save(self.path, trained=self.change(trained))


def test_a_run_goes_on_with_its_own_weights(net, fit, digits, arrays, tmp_path):
    path = tmp_path / "run.mlpk"
    straight, part = net(), net()
    fit(straight, *digits, epochs=3, checkpoint=tmp_path / "straight.mlpk")
    fit(part, *digits, epochs=2, callbacks=[Doubles(path)])
    saved = mlpk.load(path)
    for name, array in arrays(part).items():
        np.testing.assert_array_equal({**saved.params, **saved.buffers}[name], array)
    assert mlpk.inspect(path).state.fit.running == {}
    model = net(seed=5)
    fit(model, *digits, epochs=3, checkpoint=path, resume=True)
    for name, array in arrays(straight).items():
        np.testing.assert_array_equal(arrays(model)[name], array, err_msg=name)
    assert path.read_bytes() == (tmp_path / "straight.mlpk").read_bytes()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda held: {**held, "dense/weight": held["dense/weight"][:1]},
            r"\['dense/weight'\]: wanted float32 of shape \(64, 12\), as '.*' has, found .* \(1, 12\); so ",
        ),
        (
            lambda held: {**held, "dense/bias": held["dense/bias"].astype("f8")},
            r"\['dense/bias'\]: wanted float32 of shape \(12,\), .* found float64 of shape \(12,\)",
        ),
        (
            lambda held: {name: held[name] for name in held if name != "dense/bias"},
            r"\['dense/bias'\]: wanted every parameter and buffer of the model, found none",
        ),
    ],
)
def test_weights_that_a_run_could_not_go_on_with_are_not_saved(
    change, sentence, net, fit, digits, tmp_path
):
    with pytest.raises(ConfigError, match=f"^trained{sentence}"):
        fit(net(), *digits, callbacks=[Doubles(tmp_path / "run.mlpk", change)])
    assert not (tmp_path / "run.mlpk").exists()


def other(place, change):
    """Return what puts another array in the place of one of the weights."""
    name = f"state:running/weights_{place}"
    return lambda held: {**held, name: change(held[name])}


def without(*names):
    drop = {f"state:running/{name}" for name in names}
    return lambda held: {name: array for name, array in held.items() if name not in drop}


def extra(name):
    return lambda held: {**held, f"state:running/{name}": np.zeros(3, "f4")}


FORGED = {
    "one is missing": (without("weights_3"), None, ": .*; missing are: state:running/weights_3;"),
    "one too many": (extra("weights_99"), None, ": .*; unknown are: state:running/weights_99;"),
    "another spelling": (extra("weights_00"), None, ": .*; unknown are: state:running/weights_00;"),
    "another shape": (
        other(7, lambda array: array[:1]), None,
        r"\.weights_7: wanted float32 of shape \(12,\), as 'batch_norm/running_var' has, found ",
    ),
    "one axis less": (other(3, lambda array: array[0]), None, r"\.weights_3: wanted float32 of shape"),
    "doubles": (other(3, lambda array: array.astype("f8")), None, r"\.weights_3: .* found float64 of"),
    "whole": (other(0, lambda array: array.astype("i4")), None, r"\.weights_0: .* found int32 of"),
    "too great": (
        other(5, lambda array: np.full(array.shape, 1e300)), None, r"\.weights_5: .* found float64",
    ),
    "plain": (without("weights_0"), {"weights_0": [0.0] * 12}, ": .*weights_0; not tensors are: weights_0;"),
    "ragged": (
        without("weights_0"), {"weights_0": [[1.0], [1.0, 2.0]]}, ": .*weights_0; not tensors are: weights_0;",
    ),
    "both": (dict, {"weights_0": "x"}, ": .* buffers; not tensors are: weights_0; start anew"),
    "plain alone": (
        without(*(f"weights_{n}" for n in range(8))), {"weights_0": 1}, ": .* one for each of the 8 ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED)
def test_weights_that_do_not_fit_are_refused_and_nothing_is_changed(
    what, net, fit, digits, arrays, tmp_path
):
    change, running, sentence = FORGED[what]
    path = tmp_path / "run.mlpk"
    fit(net(), *digits, callbacks=[Doubles(path)])
    header, held = model_file.header(path), model_file.arrays(path)
    assert sum(name.startswith("state:running/weights_") for name in held) == 8
    state = evolved(header.state, fit=evolved(header.state.fit, running=running or {}))
    names = ("critical", "ext", "generator", "meta", "plugins", "spec")
    head = {**{name: getattr(header, name) for name in names}, "state": state}
    writer.write(str(path), head, change(held))
    model = net(seed=5)
    before = {name: array.copy() for name, array in arrays(model).items()}
    with pytest.raises(ConfigError, match=rf"^state\.fit\.running{sentence}") as caught:
        fit(model, *digits, epochs=2, checkpoint=path, resume=True)
    for name, array in arrays(model).items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    with Source.open(path) as source:
        found = diagnosed(source)
    assert (found.damage, found.problem, found.healthy) == ("", "", False)
    assert found.training.problem == str(caught.value)


@define
class Affine(Layer):
    """y = x gain + shift, declared in either order."""

    kind: ClassVar[str] = "affine"
    turned: ClassVar[bool] = False

    def declare(self, x):
        params = {"gain": Param((x[-1],), "ones"), "shift": Param((x[-1],), "zeros")}
        return Declaration(x, dict(reversed(params.items())) if self.turned else params)

    def forward(self, arrays, ctx, x):
        return x * arrays["gain"] + arrays["shift"], x

    def backward(self, arrays, ctx, x, dy, grads):
        grads["gain"][...] = (x * dy).sum(0)
        grads["shift"][...] = dy.sum(0)
        return dy * arrays["gain"]

    @classmethod
    def examples(cls):
        yield Example(cls(), (3,))


@pytest.mark.usefixtures("own_catalog")
@pytest.mark.filterwarnings("ignore::mlpk.plugins.PortabilityWarning")
def test_arrays_that_a_kind_declares_in_another_order_keep_their_weights(
    net, fit, digits, arrays, tmp_path, monkeypatch
):
    mlpk.plugins.add(Affine)
    path = tmp_path / "run.mlpk"
    layers = (Affine(), {"kind": "dense", "units": 10})
    straight = net(*layers)
    fit(straight, *digits, epochs=3)
    fit(net(*layers), *digits, epochs=2, callbacks=[Doubles(path)])
    monkeypatch.setattr(Affine, "turned", True)
    model = net(*layers)
    assert list(model.params)[:2] == ["affine/shift", "affine/gain"]
    fit(model, *digits, epochs=3, checkpoint=path, resume=True)
    for name, array in arrays(straight).items():
        np.testing.assert_array_equal(arrays(model)[name], array, err_msg=name)


def test_places_go_by_the_bytes_of_names(net, fit, digits, tmp_path):
    path = tmp_path / "run.mlpk"
    model = net({"kind": "dense", "units": 3, "name": "b"}, "batch_norm",
                {"kind": "dense", "units": 10, "name": "Z"})  # fmt: skip
    fit(model, *digits, callbacks=[Doubles(path)])
    held = mlpk.load_arrays(path)
    order = [
        "Z/bias", "Z/weight", "b/bias", "b/weight", "batch_norm/beta", "batch_norm/gamma",
        "batch_norm/running_mean", "batch_norm/running_var",
    ]  # fmt: skip
    for place, name in enumerate(order):
        twice = held[f"state:running/weights_{place}"] * 2
        np.testing.assert_array_equal(twice, held[name], err_msg=name)
