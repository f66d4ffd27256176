"""Both directions of a sequence."""

import numpy as np
import pytest

import mlpk
from mlpk import ShapeError
from mlpk_plugins.layers.bidirectional import Bidirectional
from mlpk_plugins.layers.dense import Dense
from mlpk_plugins.layers.dropout import Dropout
from mlpk_plugins.layers.embedding import Embedding
from mlpk_plugins.layers.flatten import Flatten
from mlpk_plugins.layers.gru import GRU
from mlpk_plugins.layers.lstm import LSTM
from mlpk_plugins.layers.simple_rnn import SimpleRNN

RECURRENT = [SimpleRNN, GRU, LSTM]


def of_direction(arrays, direction):
    return {
        name.removeprefix(direction): array
        for name, array in arrays.items()
        if name.startswith(direction)
    }


@pytest.mark.parametrize("kind", RECURRENT)
@pytest.mark.parametrize("masked", [False, True])
def test_bidirectional_joins_both_ways(kind, masked, alone, by_loops):
    rng = np.random.default_rng(0)
    x, mask = rng.standard_normal((4, 5, 3)), rng.random((4, 5)) < 0.6
    layer = kind(units=2, return_sequences=True)
    run = alone(Bidirectional(layer), *((x, mask) if masked else (x,)))
    there = of_direction(run.arrays, "forward_")
    back = of_direction(run.arrays, "backward_")
    assert there.keys() == back.keys() == layer.declare((5, 3)).params.keys()
    given = mask if masked else np.ones((4, 5), bool)
    first = by_loops(layer, there, x, given)
    second = by_loops(layer, back, x[:, ::-1], given[:, ::-1])
    wanted = np.concatenate((first, second[:, ::-1]), axis=-1)
    np.testing.assert_allclose(run.forward(), wanted, rtol=1e-12, atol=1e-14)
    last = alone(Bidirectional(kind(units=2)), *run.inputs)
    wanted = np.concatenate((first[:, -1], second[:, -1]), axis=-1)
    np.testing.assert_allclose(last.forward(), wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", RECURRENT)
def test_both_ways_back(kind, alone):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((4, 5, 3)), rng.standard_normal((4, 5, 4))
    layer = kind(units=2, return_sequences=True)
    run = alone(Bidirectional(layer), x)
    run.forward()
    (dx,) = run.backward(dy)
    there = alone(layer, x, **of_direction(run.arrays, "forward_"))
    back = alone(layer, np.flip(x, 1), **of_direction(run.arrays, "backward_"))
    there.forward()
    back.forward()
    (dthere,), (dback,) = there.backward(dy[..., :2]), back.backward(np.flip(dy[..., 2:], 1))
    np.testing.assert_allclose(dx, dthere + np.flip(dback, 1), rtol=1e-12, atol=1e-14)
    for direction, single in (("forward_", there), ("backward_", back)):
        for name, grad in of_direction(run.grads, direction).items():
            np.testing.assert_allclose(grad, single.grads[name], rtol=1e-12, atol=1e-14)


def test_bidirectional_takes_what_else_works_on_sequences(alone):
    x = np.random.default_rng(0).standard_normal((2, 5, 3))
    run = alone(Bidirectional(Dropout(rate=0.5)), x)
    y = run.forward()
    kept = y / 2 == np.concatenate((x, x), axis=-1)
    assert (kept | (y == 0)).all()
    assert (kept[..., :3] != kept[..., 3:]).any(), "each direction draws for itself"
    twice = Bidirectional(Bidirectional(LSTM(units=2)))
    assert "backward_forward_weight" in twice.declare((5, 3)).params
    assert twice.declare((5, 3)).output == (8,)


def test_bidirectional_in_a_network_is_named_by_a_mapping():
    fields = {"kind": "bidirectional", "layer": {"kind": "lstm", "units": 2}}
    model = mlpk.Model([fields], input_shape=(None, 3), seed=0)
    assert model.params["bidirectional/backward_bias"].tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    loaded = mlpk.loads(mlpk.dumps(model))
    x = np.ones((2, 4, 3), "float32")
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))


def test_bidirectional_refuses_what_is_no_sequence_layer():
    for layer, x in (
        (Dense(units=2), (3,)),
        (Dense(units=2), (2, 4, 3)),
        (Embedding(entries=2, units=2), (3,)),
    ):
        with pytest.raises(ShapeError, match=f"wanted a layer from .*, found '{layer.kind}'"):
            Bidirectional(layer).declare(x)
    assert Bidirectional(Flatten()).declare((4, 3)).output == (24,)
