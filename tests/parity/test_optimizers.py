"""Twenty steps of each optimizer against PyTorch's, over random gradients and fields."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk.optimizer import Step
from mlpk_plugins.optimizers.adadelta import Adadelta
from mlpk_plugins.optimizers.adagrad import AdaGrad
from mlpk_plugins.optimizers.adam import Adam
from mlpk_plugins.optimizers.adamax import AdaMax
from mlpk_plugins.optimizers.adamw import AdamW
from mlpk_plugins.optimizers.momentum import Momentum
from mlpk_plugins.optimizers.muon import Muon
from mlpk_plugins.optimizers.nadam import Nadam
from mlpk_plugins.optimizers.radam import RAdam
from mlpk_plugins.optimizers.rmsprop import RMSprop
from mlpk_plugins.optimizers.sgd import SGD

torch = pytest.importorskip("torch", reason="needs the extra parity: torch==2.13.0")
torch.set_num_threads(1)

STEPS = 20
# Where torch adds eps at another place than mlpk, it has to be too small to tell.
TINY = 1e-14


def trajectory(optimizer, lr, start, grads):
    param = start.copy()
    slots = {name: np.zeros_like(param) for name in optimizer.slots}
    path = []
    for t, grad in enumerate(grads, start=1):
        step = Step(t)
        step.lr = lr
        optimizer.update(param, grad, slots, step)
        path.append(param.copy())
    return np.array(path)


@pytest.fixture(autouse=True, scope="module")
def double():
    """Let torch keep the scalars of its optimizers (Nadam's product) in float64, too."""
    held = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(held)


def theirs(make, start, grads):
    param = torch.tensor(start, requires_grad=True)
    optimizer = make([param])
    path = []
    for grad in grads:
        param.grad = torch.tensor(grad)
        optimizer.step()
        path.append(param.detach().numpy().copy())
    return np.array(path)


def adams(f):
    return {"betas": (f["beta1"], f["beta2"]), "eps": f["eps"]}


betas = st.floats(0.1, 0.999)
adam = {"beta1": betas, "beta2": betas}
eps = st.floats(1e-9, 0.1)
tiny = st.just(TINY)
optim = torch.optim
PAIRS = {
    "sgd": (SGD, {}, lambda p, lr, _: optim.SGD(p, lr)),
    "momentum": (
        Momentum,
        {"mu": betas, "nesterov": st.booleans()},
        lambda p, lr, f: optim.SGD(p, lr, momentum=f["mu"], nesterov=f["nesterov"]),
    ),
    "adagrad": (AdaGrad, {"eps": eps}, lambda p, lr, f: optim.Adagrad(p, lr, **f)),
    "rmsprop": (
        RMSprop,
        {"rho": betas, "eps": eps},
        lambda p, lr, f: optim.RMSprop(p, lr, alpha=f["rho"], eps=f["eps"]),
    ),
    "adam": (Adam, {**adam, "eps": eps}, lambda p, lr, f: optim.Adam(p, lr, **adams(f))),
    "adamw": (
        AdamW,
        {**adam, "eps": eps, "weight_decay": st.floats(0, 0.5)},
        lambda p, lr, f: optim.AdamW(p, lr, weight_decay=f["weight_decay"], **adams(f)),
    ),
    "nadam": (
        Nadam,
        {**adam, "eps": eps, "momentum_decay": st.sampled_from([0.0, 0.004, 1.0])},
        lambda p, lr, f: optim.NAdam(p, lr, momentum_decay=f["momentum_decay"], **adams(f)),
    ),
    "adadelta": (
        Adadelta,
        {"rho": betas, "eps": eps},
        lambda p, lr, f: optim.Adadelta(p, lr, **f),
    ),
    "adamax": (AdaMax, {**adam, "eps": tiny}, lambda p, lr, f: optim.Adamax(p, lr, **adams(f))),
    "radam": (RAdam, {**adam, "eps": tiny}, lambda p, lr, f: optim.RAdam(p, lr, **adams(f))),
}


@pytest.mark.parametrize("name", PAIRS)
@given(seed=st.integers(0, 2**32 - 1), lr=st.floats(1e-3, 1), data=st.data())
def test_trajectories(name, *, seed, lr, data):
    make, fields, other = PAIRS[name]
    drawn = data.draw(st.fixed_dictionaries(fields))
    rng = np.random.default_rng(seed)
    start, grads = rng.standard_normal((4, 3)), rng.standard_normal((STEPS, 4, 3))
    path = trajectory(make(**drawn), lr, start, grads)
    np.testing.assert_allclose(
        path, theirs(lambda p: other(p, lr, drawn), start, grads), rtol=1e-8, atol=1e-9
    )


@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    mu=st.floats(0.1, 0.99),
    weight_decay=st.floats(0, 0.5),
)
def test_muon(seed, shape, mu, weight_decay):
    rng = np.random.default_rng(seed)
    start, grads = rng.standard_normal(shape), rng.standard_normal((STEPS, *shape))
    path = trajectory(Muon(mu=mu, weight_decay=weight_decay), 0.05, start, grads)

    def make(params):
        return optim.Muon(params, 0.05, momentum=mu, weight_decay=weight_decay)

    # Its matrices are (out, in), and it iterates in bfloat16, which is let be float64 here.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "bfloat16", torch.Tensor.double)
        wanted = theirs(make, start.T.copy(), grads.transpose(0, 2, 1).copy())
    np.testing.assert_allclose(path, wanted.transpose(0, 2, 1), rtol=1e-6, atol=1e-8)
