"""LAMB, LARS and Muon, which see one array of parameters at a time."""

import tracemalloc
from math import sqrt

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError
from mlpk.optimizer import Step
from mlpk_plugins.optimizers.adam import Adam
from mlpk_plugins.optimizers.lamb import LAMB
from mlpk_plugins.optimizers.lars import LARS
from mlpk_plugins.optimizers.momentum import Momentum
from mlpk_plugins.optimizers.muon import Muon
from mlpk_plugins.optimizers.parts.newton_schulz import orthogonalised
from mlpk_schemas.records import values

EVERY = [LAMB(), LARS(), Muon(weight_decay=0.1)]


def run(optimizer, param, grads, lr, *, decays=True):
    param = param.copy()
    slots = {name: np.zeros_like(param) for name in optimizer.slots}
    path = []
    for t, grad in enumerate(grads, start=1):
        step = Step(t)
        step.lr, step.decays = lr, decays
        optimizer.update(param, grad, slots, step)
        path.append(param.copy())
    return np.array(path), slots


@pytest.fixture
def grads():
    return np.random.default_rng(0).standard_normal((10, 4, 3))


P = np.arange(1.0, 13).reshape(4, 3)


def test_lamb_is_its_equation(grads):
    optimizer = LAMB(beta1=0.5, beta2=0.75, eps=0.125, weight_decay=0.25)
    path, _ = run(optimizer, P, grads, 0.1)
    p, m, v = P, 0.0, 0.0
    for t, g in enumerate(grads, start=1):
        m, v = 0.5 * m + 0.5 * g, 0.75 * v + 0.25 * g**2
        u = m / (1 - 0.5**t) / (np.sqrt(v / (1 - 0.75**t)) + 0.125) + 0.25 * p
        p = p - 0.1 * np.linalg.norm(p) / np.linalg.norm(u) * u
        np.testing.assert_allclose(path[t - 1], p, rtol=1e-12)


def test_a_step_of_lamb_is_lr_times_the_length_of_the_parameter(grads):
    for scale in (1e-3, 1.0, 1e3):
        path, _ = run(LAMB(), scale * P, grads[:1], 0.1)
        assert np.linalg.norm(path[0] - scale * P) == pytest.approx(0.1 * np.linalg.norm(scale * P))


def test_lars_is_its_equation(grads):
    optimizer = LARS(mu=0.5, trust=0.1, weight_decay=0.25)
    path, _ = run(optimizer, P, grads, 0.1)
    p, v = P, 0.0
    for t, g in enumerate(grads):
        q = 0.1 * np.linalg.norm(p) / (np.linalg.norm(g) + 0.25 * np.linalg.norm(p))
        v = 0.5 * v + q * (g + 0.25 * p)
        p = p - 0.1 * v
        np.testing.assert_allclose(path[t], p, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [LARS(weight_decay=0.0), Muon()], ids=["lars", "muon"])
def test_the_length_of_a_gradient_may_lie_beyond_the_squares_of_float32(optimizer, grads):
    p, (g, *_) = P.astype("f4"), grads.astype("f4")
    (one,), (large,) = (run(optimizer, p, [np.float32(s) * g], 0.1)[0] for s in (1.0, 1e22))
    assert one.dtype == large.dtype == np.float32
    np.testing.assert_allclose(large - p, one - p, rtol=1e-5, atol=1e-7)


def test_a_first_step_of_lars_does_not_depend_on_the_length_of_the_gradient(grads):
    one, many = (run(LARS(weight_decay=0.0), P, s * grads[:1], 0.1)[0] for s in (1.0, 1e6))
    np.testing.assert_allclose(one, many, rtol=1e-12)


@pytest.mark.parametrize(
    ("optimizer", "plain"),
    [(LAMB(eps=0.01), Adam(eps=0.01)), (LARS(mu=0.8), Momentum(mu=0.8))],
    ids=["lamb", "lars"],
)
def test_without_decay_they_take_plain_steps(optimizer, plain, grads):
    found, _ = run(optimizer, P, grads, 0.1, decays=False)
    np.testing.assert_allclose(found, run(plain, P, grads, 0.1)[0], rtol=1e-12)


@pytest.mark.parametrize(
    ("optimizer", "plain"), [(LAMB(eps=0.01), Adam(eps=0.01)), (LARS(), Momentum())]
)
def test_parameters_of_zero_take_a_plain_first_step(optimizer, plain, grads):
    found, _ = run(optimizer, np.zeros((4, 3)), grads[:1], 0.1)
    np.testing.assert_allclose(found, run(plain, np.zeros((4, 3)), grads[:1], 0.1)[0], rtol=1e-12)


def newton_schulz(matrix, steps=5):
    x = matrix / np.linalg.norm(matrix)
    for _ in range(steps):
        g = x @ x.T
        x = 3.4445 * x + (-4.7750 * g + 2.0315 * g @ g) @ x
    return x


@pytest.mark.parametrize("shape", [(4, 3), (3, 5), (1, 6), (6, 1), (4, 4)])
def test_muon_is_its_equation(shape):
    all_grads = np.random.default_rng(1).standard_normal((6, *shape))
    p, v = np.ones(shape), 0.0
    path, slots = run(Muon(mu=0.75, weight_decay=0.5), p, all_grads, 0.1)
    for t, g in enumerate(all_grads):
        v = 0.75 * v + g
        step = sqrt(max(1, shape[1] / shape[0])) * newton_schulz(g + 0.75 * v) + 0.5 * p
        p = p - 0.1 * step
        np.testing.assert_allclose(path[t], p, rtol=1e-9)
    np.testing.assert_allclose(slots["m"], v)
    assert not slots["v"].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(8, 8), (20, 5), (5, 20)])
def test_directions_stay_and_lengths_come_near_to_one(shape, dtype):
    rng = np.random.default_rng(0)
    u, _, w = np.linalg.svd(rng.standard_normal(shape), full_matrices=False)
    for scale in (1e-3, 1.0, 1e4):
        lengths = np.geomspace(0.02, 1, len(w))
        matrix = (scale * u * lengths @ w).astype(dtype)
        orthogonalised(matrix, Step(1))
        assert matrix.dtype == dtype
        turned = u.T @ matrix @ w.T
        assert (np.diag(turned) > 0.65).all()
        assert (np.diag(turned) < 1.25).all()
        np.testing.assert_allclose(turned, np.diag(np.diag(turned)), atol=1e-4)


@pytest.mark.parametrize("shape", [(12,), (2, 3, 2), (1, 2, 3, 2)])
def test_what_is_no_matrix_takes_adams_step_at_a_lower_rate(shape, grads):
    grads = grads.reshape(10, *shape)
    found, _ = run(Muon(rest=0.25, beta2=0.75), P.reshape(shape), grads, 0.1)
    wanted, _ = run(Adam(beta2=0.75), P.reshape(shape), grads, 0.025)
    np.testing.assert_allclose(found, wanted, rtol=1e-14)
    decayed, _ = run(Muon(rest=0.25, weight_decay=0.5), P.reshape(shape), 0 * grads[:1], 0.1)
    np.testing.assert_allclose(decayed[0], (1 - 0.1 * 0.25 * 0.5) * P.reshape(shape))
    undecayed, _ = run(Muon(weight_decay=0.5), P.reshape(shape), 0 * grads[:1], 0.1, decays=False)
    np.testing.assert_array_equal(undecayed[0], P.reshape(shape))


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
@pytest.mark.parametrize("shape", [(300, 400), (400, 300), (120_000,)])
def test_float32_stays_and_nothing_is_allocated(optimizer, shape):
    param, grad = np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)
    given = grad.copy()
    grad.flags.writeable = False
    slots = {name: np.zeros_like(param) for name in optimizer.slots}
    step = Step(1)
    step.lr = 0.01
    optimizer.update(param, grad, slots, step)
    tracemalloc.start()
    try:
        optimizer.update(param, grad, slots, step)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (
        peak < 50_000
    )  # NumPy's buffer for a transposed matrix holds 8192 numbers; ours has 120,000
    assert param.dtype == np.float32
    assert all(slot.dtype == np.float32 for slot in slots.values())
    np.testing.assert_array_equal(grad, given)


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
def test_zero_gradients_move_nothing_but_decay(optimizer):
    path, slots = run(optimizer, np.ones((3, 2)), np.zeros((5, 3, 2)), 0.1, decays=False)
    np.testing.assert_array_equal(path[-1], np.ones((3, 2)))
    assert not any(slot.any() for slot in slots.values())


@pytest.mark.parametrize(
    "optimizer",
    [LAMB(lr=0.05), LARS(lr=0.5, trust=0.05), Muon(lr=0.05, rest=0.1)],
    ids=lambda optimizer: optimizer.kind,
)
def test_a_network_learns(optimizer):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 4)).astype(np.float32)
    labels = (x[:, 0] * x[:, 1] > 0).astype(int)
    layers = [{"kind": "dense", "units": 16}, "tanh", {"kind": "dense", "units": 2}]
    model = mlpk.Model(layers, input_shape=(4,), seed=0)
    history = model.fit(
        x, labels, loss="softmax_cross_entropy", optimizer=optimizer, epochs=30, batch_size=50,
        progress=False,
    )  # fmt: skip
    assert history.metrics["loss"][-1] < 0.6 * history.metrics["loss"][0]


@pytest.mark.parametrize(
    ("cls", "defaults"),
    [
        (LAMB, {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-6, "weight_decay": 0.01}),
        (LARS, {"lr": 0.1, "mu": 0.9, "trust": 0.001, "weight_decay": 0.0005}),
        (
            Muon,
            {"lr": 0.02, "mu": 0.95, "weight_decay": 0.0, "rest": 0.015, "beta1": 0.9,
             "beta2": 0.95, "eps": 1e-8},
        ),
    ],
)  # fmt: skip
def test_defaults(cls, defaults):
    assert values(cls()) == {"clip_norm": None, "clip_value": None, **defaults}
    assert not cls.elementwise


@pytest.mark.parametrize(
    ("cls", "name", "value"),
    [
        *[(cls, "lr", -0.1) for cls in (LAMB, LARS, Muon)],
        *[(cls, "weight_decay", -0.1) for cls in (LAMB, LARS, Muon)],
        *[(cls, beta, 1.0) for cls in (LAMB, Muon) for beta in ("beta1", "beta2")],
        *[(cls, "mu", 1.0) for cls in (LARS, Muon)],
        *[(cls, "eps", 0.0) for cls in (LAMB, Muon)],
        (LARS, "trust", 0.0),
        (Muon, "rest", -0.1),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(cls, name, value):
    with pytest.raises(ConfigError) as caught:
        cls(**{name: value})
    assert caught.value.where == f"{cls.kind}.{name}"
