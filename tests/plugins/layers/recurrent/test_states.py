"""The states of recurrent layers, and the way back through them."""

import math

import numpy as np
import pytest

from mlpk_plugins.layers.bidirectional import Bidirectional
from mlpk_plugins.layers.gru import GRU
from mlpk_plugins.layers.lstm import LSTM
from mlpk_plugins.layers.parts.products import in_pieces
from mlpk_plugins.layers.simple_rnn import SimpleRNN

RECURRENT = [SimpleRNN, GRU, LSTM]


@pytest.mark.parametrize("kind", RECURRENT)
@pytest.mark.parametrize("masked", [False, True])
def test_states_against_loops(kind, masked, alone, by_loops):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 6, 3))
    mask = rng.random((4, 6)) < 0.5
    mask[0], mask[1] = True, False
    inputs = (x, mask) if masked else (x,)
    every = alone(kind(units=2, return_sequences=True), *inputs)
    wanted = by_loops(every.layer, every.arrays, x, mask if masked else None)
    np.testing.assert_allclose(every.forward(), wanted, rtol=1e-12, atol=1e-14)
    last = alone(kind(units=2), *inputs)
    np.testing.assert_allclose(last.forward(), wanted[:, -1], rtol=1e-12, atol=1e-14)
    if masked:
        assert not last.forward()[1].any(), "a row that is masked whole keeps the first state"


def test_simple_rnn_by_hand(alone):
    # tanh(x_1) = 1/2; x_2 + 2 * 1/2 is what has tanh 4/5.
    x = np.array([[[math.atanh(0.5)], [math.atanh(0.8) - 1]]])
    run = alone(SimpleRNN(units=1), x, weight=[[1.0]], recurrent=[[2.0]], bias=[0.0])
    np.testing.assert_allclose(run.forward(), [[0.8]], rtol=1e-15)
    (dx,) = run.backward(np.array([[1.0]]))
    # dz_2 = 1 - 0.64 = 0.36, dh_1 = 2 * 0.36, dz_1 = 0.72 * (1 - 0.25) = 0.54.
    np.testing.assert_allclose(dx, [[[0.54], [0.36]]], rtol=1e-14)
    dweight = 0.54 * x[0, 0, 0] + 0.36 * x[0, 1, 0]
    np.testing.assert_allclose(run.grads["weight"], [[dweight]], rtol=1e-14)
    np.testing.assert_allclose(run.grads["recurrent"], [[0.36 * 0.5]], rtol=1e-14)
    np.testing.assert_allclose(run.grads["bias"], [0.9], rtol=1e-14)


def test_lstm_by_hand_in_the_order_of_its_gates(alone):
    # Without weights: i = 3/4, f = 1/4, g = 4/5, o = 2/3; c_1 = 0.6, c_2 = 0.15 + 0.6 = 0.75.
    bias = [math.log(3), -math.log(3), math.atanh(0.8), math.log(2)]
    arrays = {"weight": [[0.0] * 4], "recurrent": [[0.0] * 4], "bias": bias}
    run = alone(LSTM(units=1), np.ones((1, 2, 1)), **arrays)
    h_1, h_2 = 2 / 3 * math.tanh(0.6), 2 / 3 * math.tanh(0.75)
    np.testing.assert_allclose(run.forward(), [[h_2]], rtol=1e-14)
    run.backward(np.array([[1.0]]))
    dc_2 = 2 / 3 * (1 - math.tanh(0.75) ** 2)
    dc = dc_2 + 0.25 * dc_2  # dc_1 = f * dc_2
    wanted = [dc * 0.8 * 3 / 16, dc_2 * 0.6 * 3 / 16, dc * 0.75 * 0.36, math.tanh(0.75) * 2 / 9]
    np.testing.assert_allclose(run.grads["bias"], wanted, rtol=1e-13)
    np.testing.assert_allclose(run.grads["weight"], [wanted], rtol=1e-13)
    # h_0 = 0: only the second step's part.
    second = [dc_2 * 0.8 * 3 / 16, wanted[1], dc_2 * 0.75 * 0.36, wanted[3]]
    np.testing.assert_allclose(run.grads["recurrent"], [np.multiply(h_1, second)], rtol=1e-13)
    sequences = alone(LSTM(units=1, return_sequences=True), np.ones((1, 2, 1)), **arrays)
    np.testing.assert_allclose(sequences.forward(), [[[h_1], [h_2]]], rtol=1e-14)


def test_gru_by_hand_in_the_order_of_its_gates(alone):
    # Without weights: z = 1/4, r = 1/2, and n = tanh(1/2 * ln 9) = 4/5, the reset being on the
    # recurrent bias, too: h_1 = 3/4 * 4/5 = 0.6, h_2 = 1/4 * 0.6 + 0.6 = 0.75.
    arrays = {
        "weight": [[0.0] * 3],
        "recurrent": [[0.0] * 3],
        "bias": [-math.log(3), 0.5, 0.0],
        "recurrent_bias": [0.0, -0.5, math.log(9)],
    }
    run = alone(GRU(units=1, return_sequences=True), np.ones((1, 2, 1)), **arrays)
    np.testing.assert_allclose(run.forward(), [[[0.6], [0.75]]], rtol=1e-14)
    run.backward(np.array([[[0.0], [1.0]]]))
    # With dh_2 = 1 and dh_1 = z = 1/4, of each step: dn is dh * 3/4 * 0.36, dr is dn * ln 9 / 4,
    # and dz is dh * (h - 0.8) * 3/16 with the h before the step.
    dn = 1.25 * 0.75 * 0.36
    dz = (1 * (0.6 - 0.8) + 0.25 * (0 - 0.8)) * 3 / 16
    dr = dn * math.log(9) / 4
    np.testing.assert_allclose(run.grads["bias"], [dz, dr, dn], rtol=1e-13)
    np.testing.assert_allclose(run.grads["recurrent_bias"], [dz, dr, dn / 2], rtol=1e-13)


@pytest.mark.parametrize("kind", RECURRENT)
def test_a_masked_step_is_one_that_is_not_there(kind, alone):
    rng = np.random.default_rng(0)
    x, mask = rng.standard_normal((3, 7, 2)), rng.random((3, 7)) < 0.6
    x[~mask] = np.nan  # whatever stands there
    run = alone(kind(units=3, return_sequences=True), x, mask)
    y = run.forward().copy()
    dy = np.where(mask[..., None], rng.standard_normal(y.shape), 0)
    dx, dmask = run.backward(dy)
    assert dmask is None
    grads = {name: np.zeros_like(grad) for name, grad in run.grads.items()}
    for row in range(3):
        there = mask[row]
        short = alone(run.layer, x[row : row + 1, there], **run.arrays)
        np.testing.assert_allclose(y[row, there], short.forward()[0], rtol=1e-12)
        (dshort,) = short.backward(dy[row : row + 1, there])
        np.testing.assert_allclose(dx[row, there], dshort[0], rtol=1e-11)
        assert not dx[row, ~there].any()
        for name, grad in short.grads.items():
            grads[name] += grad
    for name, grad in grads.items():
        np.testing.assert_allclose(run.grads[name], grad, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("kind", RECURRENT)
def test_many_rows_are_like_few(kind, alone):
    """Of many rows at once, the products are cut into pieces."""
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((300, 2, 20)), rng.standard_normal((300, 64))
    assert len(in_pieces(np.empty((64, 85)), 300)) > 1
    run = alone(kind(units=64), x)
    y = run.forward().copy()
    (dx,) = run.backward(dy)
    grads = {name: np.zeros_like(grad) for name, grad in run.grads.items()}
    for start in range(0, 300, 60):
        few = alone(run.layer, x[start : start + 60], **run.arrays)
        np.testing.assert_allclose(few.forward(), y[start : start + 60], rtol=1e-11, atol=1e-13)
        (dfew,) = few.backward(dy[start : start + 60])
        np.testing.assert_allclose(dfew, dx[start : start + 60], rtol=1e-11, atol=1e-13)
        for name, grad in few.grads.items():
            grads[name] += grad
    for name, grad in grads.items():
        np.testing.assert_allclose(run.grads[name], grad, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("layer", [kind(units=3) for kind in RECURRENT], ids=repr)
def test_no_steps_give_the_first_state(layer, alone):
    run = alone(layer, np.empty((2, 0, 4)))
    assert run.forward().tolist() == [[0.0] * 3] * 2
    (dx,) = run.backward(np.ones((2, 3)))
    assert dx.shape == (2, 0, 4)
    assert not any(grad.any() for grad in run.grads.values())


@pytest.mark.parametrize("kind", RECURRENT)
def test_large_arguments_saturate_without_a_warning(kind, alone):
    x = np.array([[[1e4], [-1e4]], [[-1e4], [1e4]]], "float32")
    run = alone(kind(units=2, return_sequences=True), x)
    y = run.forward().copy()
    assert y.dtype == np.float32
    assert np.abs(y).max() <= 1
    (dx,) = run.backward(np.ones_like(y))
    assert np.isfinite(dx).all()


@pytest.mark.parametrize("kind", RECURRENT)
@pytest.mark.parametrize("arranged", [np.asarray, np.asfortranarray])
def test_no_allocation_grows_with_the_batch(kind, arranged, alone, peak):
    def taken(rows):
        rng = np.random.default_rng(0)
        x, mask = rng.standard_normal((rows, 3, 2)), rng.random((rows, 3)) < 0.5
        layer = Bidirectional(kind(units=2, return_sequences=True))
        run = alone(layer, arranged(x), arranged(mask))
        run.ctx._spoil = False
        dy = arranged(np.ones(run.forward().shape))
        return peak(lambda: (run.forward(), run.backward(dy)))

    # NumPy's buffers for strided operands have a fixed size, which 20,000 rows fill.
    assert abs(taken(40_000) - taken(20_000)) < 5_000  # a quarter of a byte a row
