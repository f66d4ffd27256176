"""What stands in the golden files, read where no third party is active."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import MissingPluginError

FOLDER = Path(__file__).parent / "golden"
DENSE = {"dense/weight": [[1, 2], [3, 4], [5, 6]], "dense/bias": [0.5, -0.5]}
ARRAYS: dict[str, dict[str, Any]] = {
    "dense": DENSE,
    "meta-and-ext": DENSE,
    "newer-minor": DENSE,
    "numbers": DENSE,
    "unicode": DENSE,
    "unknown-length": DENSE,
    "bool": {f"n{n}/held": [True, False] * (n // 2) + [True] * (n % 2) for n in (58, 59, 60, 64)},
    "empty": {"none/held": [], "one/held": 7, "wide/held": np.empty((2**39, 0, 3))},
    "tied": {"first/weight": [[1, 2], [3, 4]], "first/bias": [0, 1]},
    "third-party": {"box/held": -5},
    "training": {
        "dense/weight": [[0.375], [0.9375]],
        "dense/bias": [1.3125],
        "slot:dense/weight/v": [[-0.5], [-1.75]],
        "slot:dense/bias/v": [-2.25],
        "state:early_stopping/weights_0": [[0.375], [0.9375]],
        "state:early_stopping/weights_1": [1.3125],
        "state:history/loss": [2.5, 0.28125],
    },
    "training-inside-an-epoch": {
        "dense/weight": [[0], [0]],
        "dense/bias": [0],
        "slot:dense/weight/v": [[0], [0]],
        "slot:dense/bias/v": [0],
        "state:keeper/mask": [True, False, True],
        "state:running/measures.mean_absolute_error.sum": 3,
        "state:running/measures.mean_absolute_error.weight": 2,
        "state:running/mean": [-1, -2, -3],
    },
    "two-inputs": {"sum/weight": [[1], [2], [3], [4]]},
}
X = np.array([[1, 2, 3], [0, -1, 1]], np.float32)


def path_of(name: str) -> Path:
    return FOLDER / f"{name}.mlpk"


@pytest.mark.parametrize("name", ARRAYS)
def test_the_arrays_are_these(name: str) -> None:
    found = mlpk.load_arrays(path_of(name))
    assert found.keys() == ARRAYS[name].keys()
    for key, wanted in ARRAYS[name].items():
        assert found[key].shape == np.shape(wanted)
        assert np.array_equal(found[key], wanted)


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("mmap", [False, True])
def test_the_model_has_those_that_are_its_own(name: str, mmap: bool) -> None:
    model = mlpk.load(path_of(name), missing="opaque", mmap=mmap)
    held = {**model.params, **model.buffers}
    wanted = {key: value for key, value in ARRAYS[name].items() if ":" not in key}
    assert held.keys() == wanted.keys()
    for key, value in wanted.items():
        assert np.array_equal(held[key], value)


def test_a_dense_layer_computes() -> None:
    wanted = [[22.5, 27.5], [2.5, 1.5]]
    assert mlpk.load(path_of("dense")).predict(X).tolist() == wanted
    assert mlpk.load(path_of("newer-minor")).predict(X).tolist() == wanted
    rows = mlpk.load(path_of("unknown-length")).predict(X.reshape(1, 2, 3))
    assert rows.tolist() == [wanted]


def test_tied_arrays_are_one_array() -> None:
    model = mlpk.load(path_of("tied"))
    assert list(model.params) == ["first/weight", "first/bias"]
    assert model.predict(np.float32([[1, -1]])).tolist() == [[-5, -7]]
    model.params["first/bias"][:] = 0
    assert model.predict(np.float32([[1, -1]])).tolist() == [[-8, -12]]


def test_inputs_and_outputs_have_names() -> None:
    model = mlpk.load(path_of("two-inputs"))
    found = model.predict({"left": np.float32([[1, 0]]), "right": np.float32([[-1, 2]])})
    assert {name: array.tolist() for name, array in found.items()} == {
        "sum": [[1 - 3 + 8]],
        "kept": [[0, 2]],
    }


def test_texts_are_the_users() -> None:
    assert mlpk.load(path_of("meta-and-ext")).meta == {"classes": "a b"}
    assert mlpk.inspect(path_of("meta-and-ext")).ext == {"acme": {"k": [1]}}
    meta = mlpk.load(path_of("unicode")).meta
    assert list(meta) == ["", "name", "\uffff", "\U0001f600"]
    assert meta["name"] == "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS} \N{EM DASH} 網路"
    assert meta[""] == "\0"


def test_numbers_keep_value_and_type() -> None:
    ext = mlpk.inspect(path_of("numbers")).ext
    floats = ext["floats"]
    assert floats == [0, 0, 0.1, 1, -1.5e300, 5e-324, 2**53]
    assert {type(number) for number in floats} == {float}
    assert [np.signbit(number) for number in floats[:2]] == [False, True]
    assert ext["integers"][:4] == [0, 127, 128, 255]
    assert (max(ext["integers"]), min(ext["integers"])) == (2**64 - 1, -(2**63))
    assert [len(each) for each in (*ext["arrays"], *ext["maps"])] == [0, 15, 16] * 2
    assert [len(text) for text in ext["text"]] == [0, 31, 32, 255, 256]
    assert (ext["true"], ext["false"]) == (True, False)
    levels, value = 2, ext["depth"]
    while isinstance(value, list):
        levels, value = levels + 1, value[0] if value else None
    assert levels == 32


def test_third_parties_are_claimed() -> None:
    with pytest.raises(MissingPluginError) as caught:
        mlpk.load(path_of("third-party"))
    assert caught.value.kinds == (("acme:box", "acme", "2.1"), ("beta:half", "beta", "0.3"))


def test_a_run_goes_on_from_its_file(tmp_path: Path) -> None:
    shutil.copy(path_of("training"), tmp_path / "run.mlpk")
    model = mlpk.Model([mlpk.layers.dense(units=1)], input_shape=(2,))
    history = model.fit(
        np.eye(2, dtype=np.float32), np.float32([[1], [2]]), loss="mean_squared_error",
        optimizer=mlpk.optimizers.momentum(lr=0.25, mu=0.5), batch_size=2, shuffle=False,
        epochs=3, callbacks=[mlpk.callbacks.early_stopping(monitor="loss", patience=3)],
        checkpoint=tmp_path / "run.mlpk", resume=True, progress=False,
    )  # fmt: skip
    # Errors 0.6875 and 0.25; gradients are the errors, and their sum for the bias.
    assert history.metrics["loss"] == [2.5, 0.28125, (0.6875**2 + 0.25**2) / 2]
    slots = mlpk.load_arrays(tmp_path / "run.mlpk")
    assert slots["slot:dense/weight/v"].tolist() == [[-0.25 + 0.6875], [-0.875 + 0.25]]
    assert slots["slot:dense/bias/v"].tolist() == [-1.125 + 0.9375]
    assert slots["dense/weight"].tolist() == [[0.375 - 0.25 * 0.4375], [0.9375 + 0.25 * 0.625]]
