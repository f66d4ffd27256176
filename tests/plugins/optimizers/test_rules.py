"""Each update rule against its equation in plain Python, and what all of them promise."""

import tracemalloc
from functools import partial
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlpk.optimizer import Step
from mlpk_plugins.optimizers.adagrad import AdaGrad
from mlpk_plugins.optimizers.adam import Adam
from mlpk_plugins.optimizers.adamw import AdamW
from mlpk_plugins.optimizers.momentum import Momentum
from mlpk_plugins.optimizers.rmsprop import RMSprop
from mlpk_plugins.optimizers.sgd import SGD

STEPS = 20
EVERY = [
    SGD(),
    Momentum(),
    Momentum(nesterov=True),
    AdaGrad(),
    RMSprop(),
    Adam(),
    Adam(epsilon_hat=True),
    AdamW(),
]


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


def sgd(p, gs, lr):
    return p - lr * gs[-1]


def velocity(gs, mu):
    return sum(g * mu**age for age, g in enumerate(reversed(gs)))


def momentum(p, gs, lr, *, mu):
    return p - lr * velocity(gs, mu)


def nesterov(p, gs, lr, *, mu):
    return p - lr * (gs[-1] + mu * velocity(gs, mu))


def adagrad(p, gs, lr, *, eps):
    return p - lr * gs[-1] / (sqrt(sum(g * g for g in gs)) + eps)


def average(numbers, rate):
    return sum((1 - rate) * x * rate**age for age, x in enumerate(reversed(numbers)))


def rmsprop(p, gs, lr, *, rho, eps):
    return p - lr * gs[-1] / (sqrt(average([g * g for g in gs], rho)) + eps)


def adam(p, gs, lr, *, beta1, beta2, eps):
    t = len(gs)
    m_hat = average(gs, beta1) / (1 - beta1**t)
    v_hat = average([g * g for g in gs], beta2) / (1 - beta2**t)
    return p - lr * m_hat / (sqrt(v_hat) + eps)


def adam_epsilon_hat(p, gs, lr, *, beta1, beta2, eps):
    t = len(gs)
    m, v = average(gs, beta1), average([g * g for g in gs], beta2)
    return p - lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + eps)


def adamw(p, gs, lr, *, weight_decay, **fields):
    return adam(p, gs, lr, **fields) - lr * weight_decay * p


gradients = hnp.arrays(
    np.float64, (STEPS, 3), elements=st.just(0.0) | st.floats(1e-3, 5) | st.floats(-5, -1e-3)
)
rates = st.floats(1e-4, 1.0)
betas = st.floats(0, 0.9999)
# Large ones, too: where eps enters is what tells the two forms of Adam apart.
epsilons = st.floats(1e-8, 0.5)
adams = {"beta1": betas, "beta2": betas, "eps": epsilons}


@pytest.mark.parametrize(
    ("make", "equation", "fields"),
    [
        (SGD, sgd, {}),
        (Momentum, momentum, {"mu": betas}),
        (partial(Momentum, nesterov=True), nesterov, {"mu": betas}),
        (AdaGrad, adagrad, {"eps": epsilons}),
        (RMSprop, rmsprop, {"rho": betas, "eps": epsilons}),
        (Adam, adam, adams),
        (partial(Adam, epsilon_hat=True), adam_epsilon_hat, adams),
        (AdamW, adamw, {**adams, "weight_decay": st.floats(0, 0.5)}),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
@given(grads=gradients, lr=rates, data=st.data())
def test_the_rule_is_its_equation(make, equation, fields, *, grads, lr, data):
    numbers = data.draw(st.fixed_dictionaries(fields))
    start = np.array([1.0, -2.0, 0.25])
    path, _ = run(make(**numbers), start, grads, lr)
    for column, p in enumerate(start):
        expected = p
        for t in range(STEPS):
            expected = equation(expected, grads[: t + 1, column].tolist(), lr, **numbers)
            assert path[t, column] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("optimizer", "lr", "after"),
    [
        (SGD(), 0.1, [0.8, 0.7]),
        (Momentum(), 0.1, [0.8, 0.52]),  # v = 2, then 1.8 + 1 = 2.8
        (Momentum(nesterov=True), 0.1, [0.62, 0.268]),  # 2 + 1.8, then 1 + 0.9 * 2.8 = 3.52
        (AdaGrad(eps=1.0), 0.3, [0.8, 0.8 - 0.3 / (5**0.5 + 1)]),  # h = 4, then 5
        (RMSprop(rho=0.75, eps=1.0), 0.3, [0.7, 0.55]),  # h = 1, then 0.75 + 0.25: 0.6 / 2, 0.3 / 2
        (Adam(eps=1.0), 0.3, [0.8]),  # mhat = 2, vhat = 4: 0.3 * 2 / 3
        # m = 1, v = 0.75 * 4 = 3: 0.3 * sqrt(0.75) / 0.5 * 1 / (sqrt(3) + 1)
        (
            Adam(beta1=0.5, beta2=0.25, eps=1.0, epsilon_hat=True),
            0.3,
            [1 - 0.6 * 0.75**0.5 / (3**0.5 + 1)],
        ),
        (AdamW(eps=1.0, weight_decay=0.5), 0.3, [0.65]),  # 0.3 * 0.5 * 1 more than Adam
    ],
)
def test_first_steps_by_hand(optimizer, lr, after):
    grads = np.array([2.0, 1.0])[: len(after)]
    path, _ = run(optimizer, np.array([1.0]), grads[:, np.newaxis], lr)
    assert path[:, 0] == pytest.approx(after, rel=1e-12)


def test_momentum_takes_the_path_of_the_form_with_the_rate_inside():
    grads = np.random.default_rng(0).standard_normal((STEPS, 5))
    path, _ = run(Momentum(mu=0.8), np.ones(5), grads, 0.05)
    p, v = np.ones(5), np.zeros(5)
    for t, grad in enumerate(grads):
        v = 0.8 * v - 0.05 * grad
        p = p + v
        np.testing.assert_allclose(path[t], p, rtol=1e-12)


def test_adams_slots_are_the_moments_of_the_paper():
    _, slots = run(Adam(beta1=0.5, beta2=0.75), np.zeros(1), np.array([[2.0], [4.0]]), 0.1)
    assert slots["m"] == pytest.approx([2.5])  # 0.5 * (0.5 * 2) + 0.5 * 4
    assert slots["v"] == pytest.approx([4.75])  # 0.75 * (0.25 * 4) + 0.25 * 16


def test_adamw_leaves_parameters_without_decay_to_adam():
    grads = np.random.default_rng(0).standard_normal((STEPS, 5))
    with_decay, _ = run(AdamW(), np.ones(5), grads, 0.05)
    without, _ = run(AdamW(), np.ones(5), grads, 0.05, decays=False)
    plain, _ = run(Adam(), np.ones(5), grads, 0.05)
    np.testing.assert_array_equal(without, plain)
    assert (with_decay != plain).all()


def test_a_small_decay_is_right_in_float32():
    # 1 - 2e-7 in float32 is 1 - 1.79e-7: as a factor, the decay would be a tenth too weak.
    param = np.random.default_rng(0).uniform(1, 2, 100_000).astype(np.float32)
    path, _ = run(AdamW(weight_decay=0.01), param, np.zeros((1, param.size), np.float32), 2e-5)
    lost = param.sum(dtype=np.float64) - path[0].sum(dtype=np.float64)
    assert lost == pytest.approx(2e-7 * param.sum(dtype=np.float64), rel=0.03)


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_stay_and_the_gradient_is_left_alone(optimizer, dtype):
    rng = np.random.default_rng(0)
    param, grad = rng.standard_normal((2, 50)).astype(dtype)
    before, given = param.copy(), grad.copy()
    grad.flags.writeable = False
    slots = {name: np.zeros_like(param) for name in optimizer.slots}
    step = Step(1)
    step.lr = 0.01
    assert optimizer.update(param, grad, slots, step) is None
    assert param.dtype == dtype
    assert all(slot.dtype == dtype for slot in slots.values())
    assert (param != before).all()
    np.testing.assert_array_equal(grad, given)


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
def test_blocks_give_what_the_whole_gives(optimizer):
    grads = np.random.default_rng(0).standard_normal((STEPS, 10)).astype(np.float32)
    start = np.ones(10, np.float32)
    whole, _ = run(optimizer, start, grads, 0.01)
    parts = [run(optimizer, start[cut], grads[:, cut], 0.01)[0] for cut in (slice(7), slice(7, 10))]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
def test_zero_gradients_move_nothing_but_decay(optimizer):
    path, slots = run(optimizer, np.ones(3), np.zeros((5, 3)), 0.1)
    decay = optimizer.weight_decay if isinstance(optimizer, AdamW) else 0.0
    np.testing.assert_allclose(path[-1], (1 - 0.1 * decay) ** 5)
    assert not any(slot.any() for slot in slots.values())


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
def test_the_steady_state_allocates_nothing(optimizer):
    param, grad = np.ones((2, 100_000), np.float32)
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


@pytest.mark.parametrize("optimizer", [Adam(), AdamW(), RMSprop(), AdaGrad()], ids=repr)
@given(exponent=st.integers(-4, 6))
def test_the_first_step_does_not_depend_on_the_scale_of_the_gradient(optimizer, exponent):
    one, _ = run(optimizer, np.zeros(1), np.ones((1, 1)), 0.01, decays=False)
    scaled, _ = run(optimizer, np.zeros(1), np.full((1, 1), 10.0**exponent), 0.01, decays=False)
    np.testing.assert_allclose(scaled, one, rtol=1e-3)
