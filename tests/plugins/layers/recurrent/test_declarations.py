"""What recurrent layers declare and refuse, and their first values."""

import math

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, GraphError, ShapeError
from mlpk_plugins.initializers.gate_constant import GateConstant
from mlpk_plugins.initializers.zeros import Zeros
from mlpk_plugins.layers.bidirectional import Bidirectional
from mlpk_plugins.layers.gru import GRU
from mlpk_plugins.layers.lstm import LSTM
from mlpk_plugins.layers.simple_rnn import SimpleRNN

RECURRENT = [SimpleRNN, GRU, LSTM]


@pytest.mark.parametrize(("kind", "gates"), [(SimpleRNN, 1), (GRU, 3), (LSTM, 4)])
def test_what_is_declared(kind, gates):
    declared = kind(units=5, recurrent_init="zeros").declare((None, 3), (None,))
    assert declared.output == (5,)
    assert declared.params["weight"].shape == (3, 5 * gates)
    assert declared.params["weight"].in_and_out == (3, 5)
    assert declared.params["recurrent"].shape == (5, 5 * gates)
    assert declared.params["recurrent"].in_and_out == (5, 5)
    assert declared.params["recurrent"].init == Zeros()
    assert declared.params["recurrent"].decay
    assert declared.params["bias"].shape == (5 * gates,)
    assert not declared.params["bias"].decay
    assert ("recurrent_bias" in declared.params) == (kind is GRU)
    assert kind(units=5, return_sequences=True).declare((None, 3)).output == (None, 5)
    assert kind(units=5, return_sequences=True).declare((7, 3), (None,)).output == (7, 5)
    with pytest.raises(ConfigError, match=rf"{kind.kind}\.units"):
        kind(units=0)


@pytest.mark.parametrize("kind", RECURRENT)
def test_what_does_not_fit_is_refused(kind, alone):
    layer = kind(units=2)
    for wrapped in (layer, Bidirectional(layer)):
        with pytest.raises(
            ShapeError, match=r"wanted sequences, .* beside the batch, found a shape \(3,\)"
        ):
            wrapped.declare((3,))
        with pytest.raises(ShapeError, match="wanted a known length"):
            wrapped.declare((5, None))
        for mask in ((4,), (5, 1)):
            with pytest.raises(ShapeError, match=r"wanted a mask of shape \(5,\)"):
                wrapped.declare((5, 3), mask)
    run = alone(layer, np.zeros((2, 5, 3)), np.ones((2, 5), bool))
    run.inputs = (run.inputs[0], np.ones((2, 4), bool))
    with pytest.raises(ShapeError, match=r"wanted a mask of shape \(2, 5\), found \(2, 4\)"):
        run.forward()


@pytest.mark.parametrize("kind", [SimpleRNN, GRU, LSTM, Bidirectional])
def test_a_mask_is_of_bools_and_a_sequence_of_reals(kind):
    layer = Bidirectional(GRU(units=4)) if kind is Bidirectional else kind(units=4)
    with pytest.raises(GraphError, match="wanted a mask of true and false as input 2, found real"):
        layer(mlpk.Input((5, 3)), mlpk.Input((5,)))
    with pytest.raises(GraphError, match="wanted real numbers as input 1, found int64 from"):
        layer(mlpk.Input((5, 3), dtype="int64"), mlpk.Input((5,), dtype="bool"))
    assert layer(mlpk.Input((5, 3)), mlpk.Input((5,), dtype="bool")).shape[0] in (4, 8)


def test_first_values_are_drawn_gate_by_gate():
    model = mlpk.Model([LSTM(units=8)], input_shape=(None, 4), dtype="float64", seed=0)
    recurrent, weight = model.params["lstm/recurrent"], model.params["lstm/weight"]
    for k in range(4):
        block = recurrent[:, 8 * k : 8 * k + 8]
        np.testing.assert_allclose(block.T @ block, np.eye(8), atol=1e-12)
    assert not np.allclose(recurrent[:, :8], recurrent[:, 8:16])
    limit = math.sqrt(6 / (4 + 8))
    assert 0.9 * limit < np.abs(weight).max() <= limit
    assert model.params["lstm/bias"].tolist() == [0.0] * 8 + [1.0] * 8 + [0.0] * 16


def test_gate_constant():
    drawn = GateConstant((0.0, 1.5)).draw(np.random.default_rng(0), (2, 6), (2, 3))
    assert drawn.tolist() == [[0.0, 0.0, 0.0, 1.5, 1.5, 1.5]] * 2
    for shape in ((7,), ()):
        with pytest.raises(ShapeError, match="wanted a last axis that 2 gates divide"):
            GateConstant((0.0, 1.5)).draw(np.random.default_rng(0), shape, (1, 1))
    with pytest.raises(ConfigError, match=r"gate_constant\.values"):
        GateConstant(())
