"""Nadam, Adadelta, AdaMax, RAdam and Lion against their equations in plain Python."""

import tracemalloc
from math import prod, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlpk import ConfigError
from mlpk.optimizer import Step
from mlpk_plugins.optimizers.adadelta import Adadelta
from mlpk_plugins.optimizers.adam import Adam
from mlpk_plugins.optimizers.adamax import AdaMax
from mlpk_plugins.optimizers.lion import Lion
from mlpk_plugins.optimizers.nadam import Nadam
from mlpk_plugins.optimizers.radam import RAdam
from mlpk_schemas.records import values

STEPS = 12
EVERY = [Nadam(), Adadelta(), AdaMax(), RAdam(), Lion(weight_decay=0.1)]
ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
DEFAULTS = {
    Nadam: {"lr": 0.002, **ADAM, "momentum_decay": 0.004},
    Adadelta: {"lr": 1.0, "rho": 0.95, "eps": 1e-6},
    AdaMax: {"lr": 0.002, **ADAM},
    RAdam: {"lr": 0.001, **ADAM},
    Lion: {"lr": 1e-4, "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0},
}


def run(optimizer, param, grads, lr, *, decays=True):
    """Return the parameter after each of the updates by grads (steps, ...), and the slots."""
    param = param.copy()
    slots = {name: np.zeros_like(param) for name in optimizer.slots}
    path = []
    for t, grad in enumerate(grads, start=1):
        step = Step(t)
        step.lr, step.decays = lr, decays
        optimizer.update(param, grad, slots, step)
        path.append(param.copy())
    return np.array(path), slots


# The equations of one parameter in plain Python: p and all gradients so far -> the new p.


def average(numbers, rate):
    return sum((1 - rate) * x * rate**age for age, x in enumerate(reversed(numbers)))


def v_hat(gs, beta2):
    return average([g * g for g in gs], beta2) / (1 - beta2 ** len(gs))


def nadam(p, gs, lr, *, beta1, beta2, eps, momentum_decay):
    t = len(gs)
    mus = [beta1 * (1 - 0.96 ** (i * momentum_decay) / 2) for i in range(1, t + 2)]
    ahead = (1 - mus[t - 1]) * gs[-1] / (1 - prod(mus[:t]))
    ahead += mus[t] * average(gs, beta1) / (1 - prod(mus))
    return p - lr * ahead / (sqrt(v_hat(gs, beta2)) + eps)


def adadelta(p, gs, lr, *, rho, eps):
    steps = []
    for t in range(1, len(gs) + 1):
        h, d = average([g * g for g in gs[:t]], rho), average([c * c for c in steps], rho)
        steps.append(sqrt(d + eps) / sqrt(h + eps) * gs[t - 1])
    return p - lr * steps[-1]


def adamax(p, gs, lr, *, beta1, beta2, eps):
    largest = max(abs(g) * beta2**age for age, g in enumerate(reversed(gs)))
    return p - lr * average(gs, beta1) / (1 - beta1 ** len(gs)) / (largest + eps)


def radam(p, gs, lr, *, beta1, beta2, eps):
    t = len(gs)
    m_hat = average(gs, beta1) / (1 - beta1**t)
    rho = 2 / (1 - beta2) - 1
    now = rho - 2 * t * beta2**t / (1 - beta2**t)
    if now <= 5:
        return p - lr * m_hat
    r = sqrt((now - 4) / (rho - 4) * (now - 2) / (rho - 2) * rho / now)
    return p - lr * r * m_hat / (sqrt(v_hat(gs, beta2)) + eps)


def lion(p, gs, lr, *, beta1, beta2, weight_decay):
    mixed = beta1 * average(gs[:-1], beta2) + (1 - beta1) * gs[-1]
    return p - lr * ((mixed > 0) - (mixed < 0) + weight_decay * p)


gradients = hnp.arrays(
    np.float64, (STEPS, 3), elements=st.just(0.0) | st.floats(1e-3, 5) | st.floats(-5, -1e-3)
)
betas = st.floats(0.05, 0.99)
epsilons = st.floats(1e-6, 0.5)
adams = {"beta1": betas, "beta2": betas, "eps": epsilons}


@pytest.mark.parametrize(
    ("make", "equation", "fields"),
    [
        (Nadam, nadam, {**adams, "momentum_decay": st.sampled_from([0.0, 0.004, 1.0, 100.0])}),
        (Adadelta, adadelta, {"rho": betas, "eps": epsilons}),
        (AdaMax, adamax, adams),
        (RAdam, radam, adams),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
@given(grads=gradients, lr=st.floats(1e-4, 1.0), data=st.data())
def test_the_rule_is_its_equation(make, equation, fields, *, grads, lr, data):
    numbers = data.draw(st.fixed_dictionaries(fields))
    start = np.array([1.0, -2.0, 0.25])
    path, _ = run(make(**numbers), start, grads, lr)
    for column, p in enumerate(start):
        expected = p
        for t in range(STEPS):
            expected = equation(expected, grads[: t + 1, column].tolist(), lr, **numbers)
            assert path[t, column] == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_lion_is_its_equation():
    # Whole numbers and halves are exact, so that no sign hangs on rounding.
    grads = np.random.default_rng(0).integers(-4, 5, (STEPS, 50)).astype(float)
    numbers = {"beta1": 0.5, "beta2": 0.75, "weight_decay": 0.25}
    path, _ = run(Lion(**numbers), np.ones(50), grads, 0.125)
    for column in range(50):
        expected = 1.0
        for t in range(STEPS):
            expected = lion(expected, grads[: t + 1, column].tolist(), 0.125, **numbers)
            assert path[t, column] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("optimizer", "lr", "after"),
    [
        # mu = 1/4 at each t: (3/4 * 2 / (3/4) + 1/4 * 1 / (15/16)) / (2 + 1), of m = 1
        (Nadam(beta1=0.5, eps=1.0, momentum_decay=0.0), 0.3, [1 - 0.1 * (2 + 4 / 15)]),
        # h = 1, then 0.75 * 1 + 0.25 = 1; c = 2 * 0.5 / sqrt(1.25), d = c * c / 4
        (Adadelta(rho=0.75, eps=0.25), 1.0, [1 - 1 / sqrt(1.25)]),
        (AdaMax(beta2=0.75, eps=1.0), 0.3, [0.8]),  # u = 2: 0.3 * 2 / 3
        (RAdam(), 0.1, [0.8]),  # plain at first
        (Lion(beta1=0.5, beta2=0.75), 0.1, [0.9, 0.8]),
        (Lion(weight_decay=0.5), 0.1, [0.85]),
    ],
)
def test_first_steps_by_hand(optimizer, lr, after):
    grads = np.array([2.0, 1.0])[: len(after)]
    path, _ = run(optimizer, np.array([1.0]), grads[:, np.newaxis], lr)
    assert path[:, 0] == pytest.approx(after, rel=1e-12)


def test_radam_turns_into_adam():
    grads = np.random.default_rng(0).standard_normal((400, 3))
    fields = {"beta1": 0.5, "beta2": 0.9}
    late, _ = run(RAdam(**fields), np.zeros(3), grads, 0.01)
    plain, _ = run(Adam(**fields), np.zeros(3), grads, 0.01)
    rho = 2 / (1 - 0.9) - 1
    assert rho > 5
    # In the long run rho_t is rho, and r_t is 1.
    np.testing.assert_allclose(np.diff(late[-50:], axis=0), np.diff(plain[-50:], axis=0), rtol=1e-9)


def test_nadam_late_in_a_long_run_looks_ahead_by_beta1():
    param, slots = np.zeros(1), {"m": np.array([2.0]), "v": np.array([4.0])}
    step = Step(10_000_000)
    step.lr = 0.1
    Nadam(beta1=0.5, beta2=0.999).update(param, np.array([2.0]), slots, step)
    assert param == pytest.approx([-0.1])  # (0.5 * 2 + 0.5 * 2) / 2


def test_lion_leaves_parameters_without_decay_alone():
    grads = np.random.default_rng(0).standard_normal((STEPS, 5))
    without, _ = run(Lion(weight_decay=0.5), np.ones(5), grads, 0.05, decays=False)
    plain, _ = run(Lion(), np.ones(5), grads, 0.05)
    np.testing.assert_array_equal(without, plain)


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
def test_float32_stays_and_nothing_is_allocated(optimizer):
    param, grad = np.random.default_rng(0).standard_normal((2, 100_000)).astype(np.float32)
    before, given_grad = param.copy(), grad.copy()
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
    assert peak < 10_000
    assert param.dtype == np.float32
    assert all(slot.dtype == np.float32 for slot in slots.values())
    assert (param != before).mean() > 0.99
    np.testing.assert_array_equal(grad, given_grad)


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
def test_zero_gradients_move_nothing_but_decay(optimizer):
    path, slots = run(optimizer, np.ones(3), np.zeros((5, 3)), 0.1)
    decay = optimizer.weight_decay if isinstance(optimizer, Lion) else 0.0
    np.testing.assert_allclose(path[-1], (1 - 0.1 * decay) ** 5)
    assert not any(slot.any() for slot in slots.values())


@pytest.mark.parametrize("cls", DEFAULTS, ids=lambda cls: cls.kind)
def test_defaults(cls):
    assert values(cls()) == {"clip_norm": None, "clip_value": None, **DEFAULTS[cls]}
    assert cls.elementwise


@pytest.mark.parametrize(
    ("cls", "name", "value"),
    [
        *[(cls, "lr", -0.1) for cls in DEFAULTS],
        *[(cls, b, v) for cls in (Nadam, AdaMax, RAdam, Lion) for b in ("beta1", "beta2")
          for v in (-0.1, 1)],
        *[(cls, "eps", 0) for cls in (Nadam, Adadelta, AdaMax, RAdam)],
        *[(Adadelta, "rho", value) for value in (-0.1, 1.0)],
        (Nadam, "momentum_decay", -1e-3),
        (Lion, "weight_decay", -0.01),
    ],
)  # fmt: skip
def test_what_is_out_of_range_is_refused_by_name(cls, name, value):
    with pytest.raises(ConfigError) as caught:
        cls(**{name: value})
    assert caught.value.where == f"{cls.kind}.{name}"
