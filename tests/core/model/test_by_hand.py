"""A two-layer network against its formulas, written out in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import mlpk
from mlpk import Model

Build = Callable[..., Model]
dense = mlpk.layers.dense
RNG = np.random.default_rng(0)
X = RNG.standard_normal((20, 3)).astype(np.float32)


def test_forward_and_backward(two_layers: Build) -> None:
    model = two_layers()
    w1, b1, w2, b2 = (
        model.params[name]
        for name in ("dense/weight", "dense/bias", "dense_1/weight", "dense_1/bias")
    )
    b1[:], b2[:] = [0.1, -0.2, 0.3, 0.0], [1.0, -1.0]
    x, t = X.astype(float), RNG.standard_normal((20, 2))
    h = 1 / (1 + np.exp(-(x @ w1 + b1)))
    y = h @ w2 + b2
    assert np.allclose(model.forward(x, training=True), y, rtol=1e-13)
    dy = 2 * (y - t) / y.size
    dz = (dy @ w2.T) * h * (1 - h)
    dx = model.backward(dy, inputs=True)
    assert np.allclose(model.grads["dense_1/weight"], h.T @ dy, rtol=1e-12)
    assert np.allclose(model.grads["dense_1/bias"], dy.sum(axis=0), rtol=1e-12)
    assert np.allclose(model.grads["dense/weight"], x.T @ dz, rtol=1e-12)
    assert np.allclose(model.grads["dense/bias"], dz.sum(axis=0), rtol=1e-12)
    assert np.allclose(dx, dz @ w1.T, rtol=1e-12)


def test_a_loop_of_one_s_own(two_layers: Build) -> None:
    model, y = two_layers(), np.arange(20) % 2
    params = {name: array.copy() for name, array in model.params.items()}
    loss = mlpk.losses.softmax_cross_entropy()
    optimizer = mlpk.optimizers.sgd(lr=0.5).attach(model)
    x, target = X.astype(float), np.eye(2)[y]
    losses = []
    for _ in range(5):
        logits = model.forward(x, training=True)
        value, dlogits = loss(logits, y)
        losses.append(value)
        assert model.backward(dlogits) is None
        optimizer.step()
    for step in range(5):
        w1, b1, w2, b2 = params.values()
        h = 1 / (1 + np.exp(-(x @ w1 + b1)))
        z = h @ w2 + b2
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        assert np.isclose(losses[step], -np.log(p[np.arange(20), y]).mean(), rtol=1e-12)
        dz = (p - target) / 20
        dh = (dz @ w2.T) * h * (1 - h)
        w1 -= 0.5 * x.T @ dh
        b1 -= 0.5 * dh.sum(axis=0)
        w2 -= 0.5 * h.T @ dz
        b2 -= 0.5 * dz.sum(axis=0)
    for name, array in model.params.items():
        assert np.allclose(array, params[name], rtol=1e-11)


def test_weights_set_by_hand() -> None:
    model = Model([dense(units=2), "relu"], input_shape=(2,), dtype="float64")
    model.params["dense/weight"] = [[1, -1], [2, 1]]
    model.params["dense/bias"] = [0, -4]
    x = np.array([[1, 2], [-3, 1]])
    assert model.predict(x).tolist() == [[5, 0], [0, 0]]
    assert model.predict(np.array([[1, 6]])).tolist() == [[13, 1]]
    model.forward(np.array([[1, 6], [1, 2]]))
    assert model.backward(np.ones((2, 2)), inputs=True).tolist() == [[0, 3], [1, 2]]
    assert model.grads["dense/weight"].tolist() == [[2, 1], [8, 6]]
    assert model.grads["dense/bias"].tolist() == [2, 1]
