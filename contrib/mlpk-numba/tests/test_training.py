"""Whole networks: faster and plain arrive at the same place, whatever the threads."""

import os

import mlpk
import numpy as np
import pytest

pytest.importorskip("numba")

from mlpk_numba import crew

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
    monkeypatch.setattr(crew, "LEAST", 1)
    monkeypatch.setattr(crew, "THREADS", threads)
    monkeypatch.setattr(crew, "_helpers", None)
    found, again = (trained(made, "adam", "mlpk-numba") for _ in range(2))
    assert crew._helpers is not None
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
        monkeypatch.setattr(crew, "LEAST", 1)
        monkeypatch.setattr(crew, "THREADS", threads)
        monkeypatch.setattr(crew, "_helpers", None)
        model = mlpk.Model([layer], input_shape=shape, seed=0)
        with mlpk.use("mlpk-numba"):
            y = model.forward(x, training=True)
            dx = model.backward(np.sin(y), inputs=True)
        found.append([y, dx, *model.grads.values(), *model.buffers.values()])
    for arrays in zip(*found, strict=True):
        for array in arrays[1:]:
            np.testing.assert_array_equal(array, arrays[0])


def test_an_error_in_a_helper_comes_back(monkeypatch):
    def fails_at_the_end(first, stop):
        if stop == 4:
            raise ValueError("at the end")

    monkeypatch.setattr(crew, "LEAST", 1)
    monkeypatch.setattr(crew, "THREADS", 2)
    monkeypatch.setattr(crew, "_helpers", None)
    with pytest.raises(ValueError, match="at the end"):
        crew.share_out(fails_at_the_end, 4, 4)


def test_a_thread_may_go_on_when_the_main_one_has_ended(run):
    printed = run(
        """
import threading, time
from mlpk_numba import crew

crew.LEAST = 1
done = []

def later():
    threading.main_thread().join()
    time.sleep(0.2)
    crew.share_out(lambda first, stop: done.append((first, stop)), 4, 4)
    print(sorted(done))

threading.Thread(target=later).start()
""",
        NUMBA_NUM_THREADS="2",
    )
    assert printed == "[(0, 2), (2, 4)]"


@pytest.mark.parametrize(
    ("variables", "threads"),
    [
        ({"NUMBA_NUM_THREADS": "3", "OMP_NUM_THREADS": "2"}, 3),
        ({"NUMBA_NUM_THREADS": "", "OMP_NUM_THREADS": "2"}, 2),
    ],
)
def test_the_environment_says_how_many_threads(variables, threads, run):
    assert run("from mlpk_numba import crew; print(crew.THREADS)", **variables) == str(threads)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_makes_threads_of_its_own(run):
    printed = run(
        """
import os
from mlpk_numba import crew

crew.LEAST = 1
done = []
crew.share_out(lambda first, stop: done.append((first, stop)), 4, 4)
child = os.fork()
if child == 0:
    done.clear()
    crew.share_out(lambda first, stop: done.append((first, stop)), 4, 4)
    os._exit(0 if sorted(done) == [(0, 2), (2, 4)] else 1)
print(sorted(done), os.waitpid(child, 0)[1])
""",
        NUMBA_NUM_THREADS="2",
        PYTHONWARNINGS="ignore",  # that forking with threads is no good idea
    )
    assert printed == "[(0, 2), (2, 4)] 0"
