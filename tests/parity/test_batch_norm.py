"""Batch normalisation, dense layers and a whole network, beside PyTorch in float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlpk
from mlpk import Context
from mlpk_plugins.layers.batch_norm import BatchNorm
from mlpk_plugins.layers.dense import Dense

torch = pytest.importorskip("torch", reason="needs the extra parity: torch==2.13.0")
torch.set_num_threads(1)
CLOSE = {"rtol": 1e-9, "atol": 1e-11}


def channels_first(x):
    return np.moveaxis(x, -1, 1)


def tensor(x, *, grad=False):
    return torch.tensor(np.ascontiguousarray(x), dtype=torch.float64, requires_grad=grad)


@given(
    shape=st.lists(st.integers(1, 5), max_size=2),
    rows=st.integers(2, 6),
    channels=st.integers(1, 4),
    momentum=st.floats(0, 1),
    eps=st.floats(1e-6, 1e-2),
    seed=st.integers(0, 2**32 - 1),
)
def test_batch_norm_over_several_steps(shape, rows, channels, momentum, eps, seed):
    rng = np.random.default_rng(seed)
    layer = BatchNorm(momentum=momentum, eps=eps, unbiased_running_var=True)
    # PyTorch's number weighs what is new.
    theirs = torch.nn.functional.batch_norm
    arrays = {
        "gamma": rng.standard_normal(channels), "beta": rng.standard_normal(channels),
        "running_mean": np.zeros(channels), "running_var": np.ones(channels),
    }  # fmt: skip
    mean, var = tensor(arrays["running_mean"]), tensor(arrays["running_var"])
    ctx = Context("float64", spoil=True)
    grads = {name: np.full(channels, np.nan) for name in ("gamma", "beta")}
    for training in (True, True, True, False):
        ctx.begin(1, training=training)
        x = rng.normal(rng.uniform(-3, 3), 2, (rows, *shape, channels))
        dy = rng.standard_normal(x.shape)
        y, saved = layer.forward(arrays, ctx, x)
        found = [y.copy(), layer.backward(arrays, ctx, saved, dy, grads).copy()]
        there = tensor(channels_first(x), grad=True)
        gamma, beta = tensor(arrays["gamma"], grad=True), tensor(arrays["beta"], grad=True)
        output = theirs(there, mean, var, gamma, beta, training, 1 - momentum, eps)
        output.backward(tensor(channels_first(dy)))
        wanted = [np.moveaxis(t.detach().numpy(), 1, -1) for t in (output, there.grad)]
        for here, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(here, other, **CLOSE)
        np.testing.assert_allclose(grads["gamma"], gamma.grad.numpy(), **CLOSE)
        np.testing.assert_allclose(grads["beta"], beta.grad.numpy(), **CLOSE)
        np.testing.assert_allclose(arrays["running_mean"], mean.numpy(), **CLOSE)
        np.testing.assert_allclose(arrays["running_var"], var.numpy(), **CLOSE)


@given(
    leading=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    n_in=st.integers(1, 5),
    units=st.integers(1, 5),
    bias=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_dense(leading, n_in, units, bias, seed):
    rng = np.random.default_rng(seed)
    arrays = {"weight": rng.standard_normal((n_in, units)), "bias": rng.standard_normal(units)}
    x, dy = rng.standard_normal((*leading, n_in)), rng.standard_normal((*leading, units))
    ctx = Context("float64", spoil=True)
    grads = {name: np.full(array.shape, np.nan) for name, array in arrays.items()}
    layer = Dense(units=units, bias=bias)
    y, saved = layer.forward(arrays, ctx, x)
    dx = layer.backward(arrays, ctx, saved, dy, grads)
    there, weight = tensor(x, grad=True), tensor(arrays["weight"].T, grad=True)
    shift = tensor(arrays["bias"], grad=True) if bias else None
    output = torch.nn.functional.linear(there, weight, shift)
    output.backward(tensor(dy))
    np.testing.assert_allclose(y, output.detach().numpy(), **CLOSE)
    np.testing.assert_allclose(dx, there.grad.numpy(), **CLOSE)
    np.testing.assert_allclose(grads["weight"], weight.grad.numpy().T, **CLOSE)
    if shift is not None:
        np.testing.assert_allclose(grads["bias"], shift.grad.numpy(), **CLOSE)


def test_twenty_steps_of_a_whole_network():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((320, 6)), rng.integers(3, size=320)
    model = mlpk.Model(
        [
            mlpk.layers.dense(units=8),
            mlpk.layers.batch_norm(unbiased_running_var=True),
            "relu",
            mlpk.layers.dense(units=3),
        ],
        input_shape=(6,), dtype="float64", seed=0,
    )  # fmt: skip
    net = torch.nn.Sequential(
        torch.nn.Linear(6, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU(), torch.nn.Linear(8, 3)
    ).double()
    with torch.no_grad():
        for place, name in ((0, "dense"), (3, "dense_1")):
            net[place].weight.copy_(tensor(model.params[f"{name}/weight"].T))
            net[place].bias.zero_()
    adam = torch.optim.Adam(net.parameters(), lr=0.01)
    losses = []
    for start in range(0, 320, 16):
        adam.zero_grad()
        loss = torch.nn.functional.cross_entropy(
            net(tensor(x[start : start + 16])), torch.tensor(y[start : start + 16])
        )
        loss.backward()
        adam.step()
        losses.append(loss.item())
    seen = []

    class Watch:
        @mlpk.hookimpl
        def mlpk_batch_end(self, fit):
            seen.append(fit.logs["loss"])

    model.fit(
        x, y, loss="softmax_cross_entropy", optimizer=mlpk.optimizers.adam(lr=0.01),
        batch_size=16, shuffle=False, callbacks=[Watch()], progress=False,
    )  # fmt: skip
    assert len(seen) == 20
    np.testing.assert_allclose(seen, losses, rtol=1e-8)
    net.eval()
    with torch.no_grad():
        np.testing.assert_allclose(model.predict(x), net(tensor(x)).numpy(), rtol=1e-7, atol=1e-9)
