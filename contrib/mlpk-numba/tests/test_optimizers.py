"""Three updates by hand-written formulas in float64, on vectors longer than any register."""

import mlpk
import numpy as np
import pytest

pytest.importorskip("numba")

SIZE = 1003
RATE = 0.01


def adam(grads, p, *, decay=0.0, hat=False):
    m, v = np.zeros(SIZE), np.zeros(SIZE)
    for t, g in enumerate(grads, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        p = p - RATE * decay * p
        if hat:
            p = p - RATE * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8)
        else:
            p = p - RATE * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return p


def momentum(grads, p, *, nesterov=False):
    v = np.zeros(SIZE)
    for g in grads:
        v = 0.9 * v + g
        p = p - RATE * (g + 0.9 * v if nesterov else v)
    return p


def rmsprop(grads, p):
    h = np.zeros(SIZE)
    for g in grads:
        h = 0.9 * h + 0.1 * g**2
        p = p - RATE * g / (np.sqrt(h) + 1e-8)
    return p


RULES = [
    ("adam", {}, adam),
    ("adam", {"epsilon_hat": True}, lambda grads, p: adam(grads, p, hat=True)),
    ("adamw", {"weight_decay": 0.1}, lambda grads, p: adam(grads, p, decay=0.1)),
    ("momentum", {}, momentum),
    ("momentum", {"nesterov": True}, lambda grads, p: momentum(grads, p, nesterov=True)),
    ("rmsprop", {}, rmsprop),
    ("sgd", {}, lambda grads, p: p - RATE * sum(grads)),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kind", "fields", "rule"), RULES)
def test_the_rule(kind, fields, rule, dtype):
    from importlib import import_module

    from mlpk.optimizer import Step

    rng = np.random.default_rng(0)
    grads = [rng.standard_normal(SIZE) for _ in range(3)]
    start = rng.standard_normal(SIZE)
    optimizer, p = mlpk.optimizers[kind](lr=RATE, **fields), start.astype(dtype)
    slots = {name: np.zeros(SIZE, dtype) for name in optimizer.slots}
    step = Step(0)
    step.lr = RATE
    for g in grads:
        step.t += 1
        import_module(f"mlpk_numba.{kind}").update(optimizer, p, g.astype(dtype), slots, step)
    assert p.dtype == dtype
    np.testing.assert_allclose(p, rule(grads, start), atol=1e-5 if dtype == "float32" else 1e-14)


def test_no_decay_where_a_parameter_declares_none():
    model = mlpk.Model([mlpk.layers.dense(units=3)], input_shape=(2,), seed=0)
    model.params["dense/bias"][...] = 1
    with mlpk.use("mlpk-numba"):
        optimizer = mlpk.optimizers.adamw(lr=0.1, weight_decay=0.5).attach(model)
        weight = model.params["dense/weight"].copy()
        optimizer.step()  # from gradients of zero
    np.testing.assert_array_equal(model.params["dense/bias"], 1)
    np.testing.assert_allclose(model.params["dense/weight"], 0.95 * weight, rtol=1e-6)
