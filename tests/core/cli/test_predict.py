"""mlpk predict: outputs of a model, from file to file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mlpk
from mlpk import catalog


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    _, _, x, _ = mlpk.datasets.digits()
    np.save(tmp_path / "x.npy", x[:7])
    return tmp_path / "x.npy"


def test_it_writes_what_predict_returns(run, trained: Path, rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.npy"
    result = run("predict", trained, rows, "-o", out)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "float32 of shape (7, 10)" in result.stderr
    made = np.load(out)
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made, mlpk.load(trained).predict(np.load(rows)))
    assert {path.name for path in tmp_path.iterdir()} == {"model.mlpk", "x.npy", "out.npy"}


@mlpk.define
class Still(mlpk.Optimizer):
    kind = "still"

    def update(self, param, grad, slots, step):
        pass


@pytest.mark.usefixtures("own_catalog")
def test_what_is_missing_for_training_alone_is_no_obstacle(run, tmp_path: Path) -> None:
    held = catalog.current()
    mlpk.plugins.add(Still)
    model = mlpk.Model([mlpk.layers.dense(units=2)], input_shape=(3,), seed=0)
    x = np.ones((4, 3), np.float32)
    with pytest.warns(mlpk.plugins.PortabilityWarning):
        model.fit(x, x[:, :2], loss="mean_squared_error", optimizer=Still(), progress=False,
                  checkpoint=tmp_path / "run.mlpk")  # fmt: skip
    catalog.swap(lambda _: held)
    np.save(tmp_path / "in.npy", x)
    result = run("predict", tmp_path / "run.mlpk", tmp_path / "in.npy", "-o", tmp_path / "out.npy")
    assert (result.exit_code, result.stdout) == (0, "")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), model.predict(x))


@pytest.mark.usefixtures("own_catalog")
def test_a_missing_layer_is_told(run, tmp_path: Path) -> None:
    held = catalog.current()
    mlpk.plugins.add(mlpk.define(type("Alike", (mlpk.layers.relu,), {"kind": "alike"})))
    with pytest.warns(mlpk.plugins.PortabilityWarning):
        mlpk.Model(["alike"], input_shape=(3,)).save(tmp_path / "a.mlpk")
    catalog.swap(lambda _: held)
    np.save(tmp_path / "in.npy", np.ones((4, 3)))
    result = run("predict", tmp_path / "a.mlpk", tmp_path / "in.npy", "-o", tmp_path / "out.npy")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "not active here: '_local:alike'" in result.stderr


def test_classes_are_the_places_of_the_largest(
    run, trained: Path, rows: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.npy"
    assert run("predict", trained, rows, "-o", out, "--classes").exit_code == 0
    made = np.load(out)
    assert (made.dtype, made.shape) == (np.int64, (7,))
    chosen = mlpk.load(trained).predict(np.load(rows))[np.arange(7), made]
    np.testing.assert_array_equal(chosen, mlpk.load(trained).predict(np.load(rows)).max(axis=1))


@pytest.fixture
def branching(tmp_path: Path) -> Path:
    left, right = mlpk.Input((2,), name="left"), mlpk.Input((3,), name="right")
    joined = mlpk.layers.concatenate()(left, right, name="joined")
    small = mlpk.layers.dense(units=1)(joined, name="small")
    mlpk.Model(inputs=[left, right], outputs=[joined, small], seed=0).save(tmp_path / "two.mlpk")
    np.savez(tmp_path / "in.npz", left=np.ones((4, 2)), right=np.zeros((4, 3)))
    return tmp_path / "two.mlpk"


def test_several_inputs_and_outputs_go_by_name(run, branching: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    assert run("predict", branching, tmp_path / "in.npz", "-o", out).exit_code == 0
    with np.load(out) as made:
        assert sorted(made) == ["joined", "small"]
        np.testing.assert_array_equal(made["joined"], [[1, 1, 0, 0, 0]] * 4)
        assert made["small"].shape == (4, 1)


def test_what_does_not_suit_is_refused(run, branching: Path, tmp_path: Path) -> None:
    given, out = tmp_path / "in.npz", tmp_path / "out.npz"
    for arguments, words in (
        ([given, "-o", tmp_path / "out.npy"], "wanted a name that ends in .npz, for the 2 outputs"),
        ([given, "-o", tmp_path / "out.txt"], "ends in .npy or .npz"),
        ([given, "-o", tmp_path / "absent" / "out.npz"], "there is no folder"),
        ([given, "-o", out, "--classes"], "output 'small': --classes wants several numbers"),
        ([tmp_path / "absent.npz", "-o", out], "absent.npz: the array cannot be read"),
    ):
        result = run("predict", branching, *arguments)
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: ")
        assert words in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"two.mlpk", "in.npz"}


def test_rows_of_another_shape_are_refused(run, trained: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((3, 8, 8)))
    result = run("predict", trained, tmp_path / "x.npy", "-o", tmp_path / "out.npy")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: x: wanted shape (rows, 8, 8, 1), found (3, 8, 8); "
        "a row has as many numbers: x.reshape(-1, 8, 8, 1)\n"
    )
    assert not (tmp_path / "out.npy").exists()
