"""The layer swish, against its formula."""

from pathlib import Path

import mlpk
import numpy as np
import pytest


@pytest.mark.parametrize("beta", [-2.5, 0.0, 1.0, 30.0])
def test_the_formula(beta: float) -> None:
    x = np.linspace(-5, 5, 41)[:, None]
    model = mlpk.Model([mlpk.layers.swish(beta=beta)], input_shape=(1,), dtype="float64", seed=0)
    wanted = x / (1 + np.exp(-beta * x))
    np.testing.assert_allclose(model.predict(x), wanted, rtol=1e-12, atol=1e-15)


def test_far_out_it_is_zero_or_x() -> None:
    model = mlpk.Model(["swish"], input_shape=(1,), seed=0)
    x = np.array([[-1e30], [0.0], [1e30]], np.float32)
    np.testing.assert_array_equal(model.predict(x), [[0], [0], [x[2, 0]]])


def test_the_slope_at_zero_is_one_half() -> None:
    model = mlpk.Model(["swish"], input_shape=(1,), seed=0)
    model.forward(np.zeros((1, 1), np.float32), training=True)
    assert model.backward(np.ones((1, 1), np.float32), inputs=True) == 0.5


def test_it_comes_back_from_a_file(tmp_path: Path) -> None:
    layers = [mlpk.layers.dense(units=3), mlpk.layers.swish(beta=2.0)]
    model = mlpk.Model(layers, input_shape=(4,), seed=0)
    model.save(tmp_path / "model.mlpk")
    loaded = mlpk.load(tmp_path / "model.mlpk")
    assert loaded.spec.nodes[1].id == "mlpk-swish:swish"
    assert loaded.spec.nodes[1].config == {"beta": 2.0}
    x = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
