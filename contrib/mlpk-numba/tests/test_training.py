"""Whole networks: faster and plain arrive at the same place, whatever the threads."""

import mlpk
import numpy as np
import pytest
from mlpk import blas

pytest.importorskip("numba")

from mlpk_numba import sharing

LAYERS = [
    # A bias before batch normalisation has the gradient 0: rounding alone would say where it goes.
    mlpk.layers.conv2d(filters=16, kernel_size=3, padding="same", bias=False),
    "batch_norm",
    "relu",
    mlpk.layers.max_pool2d(kernel_size=2),
    mlpk.layers.average_pool2d(kernel_size=2),
    "flatten",
    mlpk.layers.dense(units=4),
]


def share_all(monkeypatch, threads):
    """Share whatever can be shared among so many."""
    monkeypatch.setattr(sharing, "LEAST", 1)
    monkeypatch.setattr(blas, "threads", lambda: threads)


def images():
    model = mlpk.Model(LAYERS, input_shape=(8, 8, 3), dtype="float64", seed=0)
    return model, np.random.default_rng(0).standard_normal((40, 8, 8, 3))


def sequences():
    layers = [mlpk.layers.lstm(units=20), mlpk.layers.dense(units=4)]
    model = mlpk.Model(layers, input_shape=(6, 5), dtype="float64", seed=0)
    return model, np.random.default_rng(0).standard_normal((40, 6, 5))


def trained(made, optimizer, implementation):
    model, x = made()
    with mlpk.use(implementation):
        model.fit(
            x,
            np.arange(40) % 4,
            loss="softmax_cross_entropy",
            optimizer=optimizer,
            epochs=3,
            batch_size=16,
            progress=False,
        )
    return {**model.params, **model.buffers}


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "momentum", "rmsprop", "sgd"])
@pytest.mark.parametrize("made", [images, sequences])
def test_it_arrives_where_the_plain_arrives(made, optimizer):
    wanted, found = (trained(made, optimizer, name) for name in ("numpy", "mlpk-numba"))
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-7, atol=1e-9, err_msg=name)
    assert any(not np.array_equal(found[name], wanted[name]) for name in wanted)  # other sums


@pytest.mark.parametrize("made", [images, sequences])
@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_nothing_but_rounding_in_blas(made, threads, monkeypatch):
    wanted = trained(made, "adam", "mlpk-numba")
    share_all(monkeypatch, threads)
    found, again = (trained(made, "adam", "mlpk-numba") for _ in range(2))
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-9, atol=1e-12, err_msg=name)
        np.testing.assert_array_equal(again[name], found[name], err_msg=name)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ({"kind": "conv2d", "filters": 48, "kernel_size": 3, "padding": "same"}, (9, 10, 16)),
        ("batch_norm", (40, 40, 64)),
        ({"kind": "max_pool2d", "kernel_size": 3, "strides": 2}, (9, 10, 16)),
        ({"kind": "average_pool2d", "kernel_size": 2}, (9, 10, 16)),
        ("relu", (9, 10, 16)),
    ],
)
def test_threads_change_no_bit_of_what_is_compiled(layer, shape, monkeypatch):
    x = np.random.default_rng(0).standard_normal((5, *shape)).astype(np.float32)
    found = []
    for threads in (1, 2, 3):
        share_all(monkeypatch, threads)
        model = mlpk.Model([layer], input_shape=shape, seed=0)
        with mlpk.use("mlpk-numba"):
            y = model.forward(x, training=True)
            dx = model.backward(np.sin(y), inputs=True)
        found.append([y, dx, *model.grads.values(), *model.buffers.values()])
    for arrays in zip(*found, strict=True):
        for array in arrays[1:]:
            np.testing.assert_array_equal(array, arrays[0])
