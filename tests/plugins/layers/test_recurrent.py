"""Simple recurrent layer, LSTM, GRU, and both directions."""

import math

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, GraphError, ShapeError
from mlpk_plugins.initializers.gate_constant import GateConstant
from mlpk_plugins.initializers.zeros import Zeros
from mlpk_plugins.layers.bidirectional import Bidirectional
from mlpk_plugins.layers.dense import Dense
from mlpk_plugins.layers.dropout import Dropout
from mlpk_plugins.layers.embedding import Embedding
from mlpk_plugins.layers.flatten import Flatten
from mlpk_plugins.layers.gru import GRU
from mlpk_plugins.layers.lstm import LSTM
from mlpk_plugins.layers.parts.products import in_pieces
from mlpk_plugins.layers.simple_rnn import SimpleRNN

RECURRENT = [SimpleRNN, GRU, LSTM]


def sigmoid(a):
    return 1 / (1 + math.exp(-a))


def gate(arrays, k, x, h, count, bias="bias"):
    """Return unit by unit what enters gate k: sums written out."""
    units = arrays["recurrent"].shape[0]
    columns = range(k * units, (k + 1) * units)
    assert arrays["recurrent"].shape[1] == count * units
    from_x = [
        sum(x[j] * arrays["weight"][j, column] for j in range(len(x))) + arrays["bias"][column]
        for column in columns
    ]
    from_h = [
        sum(h[j] * arrays["recurrent"][j, column] for j in range(units)) for column in columns
    ]
    if bias == "both":
        from_h = [a + arrays["recurrent_bias"][c] for a, c in zip(from_h, columns, strict=True)]
    return from_x, from_h


def simple_rnn_step(arrays, x, state):
    (h,) = state
    from_x, from_h = gate(arrays, 0, x, h, 1)
    return ([math.tanh(a + b) for a, b in zip(from_x, from_h, strict=True)],)


def lstm_step(arrays, x, state):
    h, c = state
    entering = []
    for k in range(4):
        from_x, from_h = gate(arrays, k, x, h, 4)
        entering.append([a + b for a, b in zip(from_x, from_h, strict=True)])
    i, f, g, o = entering
    c = [sigmoid(f[u]) * c[u] + sigmoid(i[u]) * math.tanh(g[u]) for u in range(len(c))]
    return [sigmoid(o[u]) * math.tanh(c[u]) for u in range(len(c))], c


def gru_step(arrays, x, state):
    (h,) = state
    (xz, hz), (xr, hr), (xn, hn) = (gate(arrays, k, x, h, 3, "both") for k in range(3))
    new = []
    for u in range(len(h)):
        z, r = sigmoid(xz[u] + hz[u]), sigmoid(xr[u] + hr[u])
        n = math.tanh(xn[u] + r * hn[u])
        new.append((1 - z) * n + z * h[u])
    return (new,)


STEP = {SimpleRNN: simple_rnn_step, GRU: gru_step, LSTM: lstm_step}


def by_loops(layer, arrays, x, mask=None):
    """Return the state h after every step, (n, T, units), with plain loops."""
    states = np.zeros((*x.shape[:2], layer.units))
    for row in range(len(x)):
        state = ([0.0] * layer.units,) * (2 if isinstance(layer, LSTM) else 1)
        for t in range(x.shape[1]):
            if mask is None or mask[row, t]:
                state = STEP[type(layer)](arrays, x[row, t], state)
            states[row, t] = state[0]
    return states


@pytest.mark.parametrize("kind", RECURRENT)
@pytest.mark.parametrize("masked", [False, True])
def test_states_against_loops(kind, masked, alone):
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


@pytest.mark.parametrize(("rows", "pieces"), [(1, 1), (10, 2), (40, 8), (160, 32), (400, 1)])
def test_a_product_is_cut_into_pieces_of_a_million_multiply_adds(rows, pieces):
    a = np.arange(640.0 * 300).reshape(300, 640).T
    cut = in_pieces(a, rows)
    assert cut.shape == (pieces, 640 // pieces, 300)
    assert np.shares_memory(cut, a)
    assert cut.reshape(640, 300).tolist() == a.tolist()


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


def of_direction(arrays, direction):
    return {
        name.removeprefix(direction): array
        for name, array in arrays.items()
        if name.startswith(direction)
    }


@pytest.mark.parametrize("kind", RECURRENT)
@pytest.mark.parametrize("masked", [False, True])
def test_bidirectional_joins_both_ways(kind, masked, alone):
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


def test_bidirectional_refuses_what_is_no_sequence_layer():
    for layer, x in (
        (Dense(units=2), (3,)),
        (Dense(units=2), (2, 4, 3)),
        (Embedding(entries=2, units=2), (3,)),
    ):
        with pytest.raises(ShapeError, match=f"wanted a layer from .*, found '{layer.kind}'"):
            Bidirectional(layer).declare(x)
    assert Bidirectional(Flatten()).declare((4, 3)).output == (24,)
