"""Losses and their gradients against PyTorch's, over random sizes, weights and fields."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk_plugins.losses.binary_cross_entropy import BinaryCrossEntropy
from mlpk_plugins.losses.cosine_similarity import CosineSimilarity
from mlpk_plugins.losses.cross_entropy import CrossEntropy
from mlpk_plugins.losses.focal import Focal
from mlpk_plugins.losses.hinge import Hinge
from mlpk_plugins.losses.huber import Huber
from mlpk_plugins.losses.kl_divergence import KLDivergence
from mlpk_plugins.losses.log_cosh import LogCosh
from mlpk_plugins.losses.mean_absolute_error import MeanAbsoluteError
from mlpk_plugins.losses.mean_squared_error import MeanSquaredError
from mlpk_plugins.losses.poisson import Poisson
from mlpk_plugins.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from mlpk_plugins.losses.squared_hinge import SquaredHinge
from mlpk_plugins.losses.triplet import Triplet

torch = pytest.importorskip("torch", reason="needs the extra parity: torch==2.13.0")
functional = torch.nn.functional
torch.set_num_threads(1)

seeds = st.integers(0, 2**32 - 1)
# One position a row or several; a few wide numbers, so that the flat and steep ends are met.
shapes = st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(2, 5))
scales = st.sampled_from([0.1, 1.0, 10.0])


def assert_same(loss, prediction, target, weight, theirs):
    """Compare with `theirs(prediction, target)`: torch's losses (n, ...), averaged with row weights."""
    value, gradient = loss(prediction, target, weight)
    tensor = torch.tensor(prediction, requires_grad=True)
    losses = theirs(tensor, torch.tensor(target))
    rows = losses.reshape(len(prediction), -1).mean(dim=1)
    weights = torch.ones(len(prediction)).double() if weight is None else torch.tensor(weight)
    wanted = (rows * weights).sum() / weights.sum()
    wanted.backward()
    assert value == pytest.approx(wanted.item(), rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-8, atol=1e-12)


def weights(rng, n, data):
    return rng.uniform(0.1, 3, n) if data.draw(st.booleans()) else None


def hinges(y, t):
    return torch.clamp(1 - t * y, min=0)


def focal(gamma, alpha):
    """The paper's equation, in the words of torchvision's `sigmoid_focal_loss`."""

    def losses(z, t):
        p = torch.sigmoid(z)
        entropy = functional.binary_cross_entropy_with_logits(z, t, reduction="none")
        found = entropy * (1 - (p * t + (1 - p) * (1 - t))) ** gamma
        return found if alpha is None else found * (alpha * t + (1 - alpha) * (1 - t))

    return losses


REAL = {
    "mean_absolute_error": (MeanAbsoluteError(), lambda y, t: functional.l1_loss(y, t, reduction="none")),
    "mean_squared_error": (MeanSquaredError(), lambda y, t: functional.mse_loss(y, t, reduction="none")),
    "log_cosh": (LogCosh(), lambda y, t: torch.log(torch.cosh(y - t))),
    "cosine_similarity": (CosineSimilarity(), lambda y, t: 1 - functional.cosine_similarity(y, t, dim=-1, eps=1e-30)),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
@given(seed=seeds, shape=shapes, scale=scales, data=st.data())
def test_real_targets(name, *, seed, shape, scale, data):
    rng = np.random.default_rng(seed)
    y, t = scale * rng.standard_normal((2, *shape))
    assert_same(REAL[name][0], y, t, weights(rng, len(y), data), REAL[name][1])


@given(seed=seeds, shape=shapes, scale=scales, delta=st.floats(0.05, 10), data=st.data())
def test_huber(seed, shape, scale, delta, data):
    rng = np.random.default_rng(seed)
    y, t = scale * rng.standard_normal((2, *shape))

    def theirs(y, t):
        return functional.huber_loss(y, t, reduction="none", delta=delta)

    assert_same(Huber(delta=delta), y, t, weights(rng, len(y), data), theirs)


@given(seed=seeds, shape=shapes, scale=scales, data=st.data())
def test_poisson(seed, shape, scale, data):
    rng = np.random.default_rng(seed)
    z, t = scale * rng.standard_normal(shape), rng.poisson(3.0, shape).astype(float)

    def theirs(z, t):
        return functional.poisson_nll_loss(z, t, log_input=True, reduction="none")

    assert_same(Poisson(), z, t, weights(rng, len(z), data), theirs)


@pytest.mark.parametrize(
    ("loss", "theirs"), [(Hinge(), hinges), (SquaredHinge(), lambda y, t: hinges(y, t) ** 2)]
)
@given(seed=seeds, shape=shapes, scale=scales, data=st.data())
def test_signs(loss, theirs, *, seed, shape, scale, data):
    rng = np.random.default_rng(seed)
    y, t = scale * rng.standard_normal(shape), rng.choice([-1.0, 1.0], shape)
    assert_same(loss, y, t, weights(rng, len(y), data), theirs)


@given(
    seed=seeds,
    shape=shapes,
    gamma=st.sampled_from([0.0, 1.0, 2.0, 3.5]),
    alpha=st.none() | st.floats(0, 1),
    data=st.data(),
)
def test_focal(seed, shape, gamma, alpha, data):
    rng = np.random.default_rng(seed)
    z, t = 2 * rng.standard_normal(shape), rng.integers(0, 2, shape).astype(float)
    loss = Focal(gamma=gamma, alpha=alpha)
    assert_same(loss, z, t, weights(rng, len(z), data), focal(gamma, alpha))


@given(seed=seeds, shape=shapes, scale=scales, data=st.data())
def test_binary_cross_entropy(seed, shape, scale, data):
    rng = np.random.default_rng(seed)
    z, t = scale * rng.standard_normal(shape), rng.random(shape)

    def theirs(z, t):
        return functional.binary_cross_entropy_with_logits(z, t, reduction="none")

    assert_same(BinaryCrossEntropy(), z, t, weights(rng, len(z), data), theirs)


@given(seed=seeds, shape=shapes, smoothing=st.floats(0, 0.9), p=st.floats(0.1, 10), data=st.data())
def test_binary_cross_entropy_with_weights_of_classes(seed, shape, smoothing, p, data):
    """`pos_weight` is the weight of class 1, up to what the mean is divided by."""
    rng = np.random.default_rng(seed)
    z, t = 2 * rng.standard_normal(shape), rng.integers(0, 2, shape).astype(float)
    weight = weights(rng, len(z), data)
    loss = BinaryCrossEntropy(class_weight=(1.0, p))
    value, gradient = loss(z, t, weight)
    tensor = torch.tensor(z, requires_grad=True)
    rows = np.ones(len(z)) if weight is None else weight
    each = np.broadcast_to(rows.reshape(-1, 1, 1), shape)
    summed = functional.binary_cross_entropy_with_logits(
        tensor,
        torch.tensor(t),
        weight=torch.tensor(each),
        pos_weight=torch.tensor(p, dtype=torch.float64),
        reduction="sum",
    )
    wanted = summed / (each * np.where(t == 1, p, 1)).sum()
    wanted.backward()
    assert value == pytest.approx(wanted.item(), rel=1e-9)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-8, atol=1e-12)

    def smoothed(z, t):
        soft = (1 - smoothing) * t + smoothing / 2
        return functional.binary_cross_entropy_with_logits(z, soft, reduction="none")

    assert_same(BinaryCrossEntropy(label_smoothing=smoothing), z, t, weight, smoothed)


@given(seed=seeds, shape=shapes, data=st.data())
def test_probabilities(seed, shape, data):
    rng = np.random.default_rng(seed)
    p, t = rng.dirichlet((1.0,) * shape[-1], (2, *shape[:-1]))

    def divergences(p, t):
        return functional.kl_div(p.log(), t, reduction="none").sum(dim=-1)

    def entropies(p, t):
        return -(t * p.log()).sum(dim=-1)

    weight = weights(rng, len(p), data)
    assert_same(KLDivergence(), p, t, weight, divergences)
    assert_same(CrossEntropy(), p, t, weight, entropies)


@given(seed=seeds, shape=shapes, scale=scales, smoothing=st.floats(0, 0.9), data=st.data())
def test_softmax_cross_entropy_of_labels(seed, shape, scale, smoothing, data):
    rng = np.random.default_rng(seed)
    z, labels = scale * rng.standard_normal(shape), rng.integers(0, shape[-1], shape[:-1])

    def theirs(z, t):
        return functional.cross_entropy(  # classes come second there
            z.movedim(-1, 1), t, reduction="none", label_smoothing=smoothing
        )

    loss = SoftmaxCrossEntropy(label_smoothing=smoothing)
    assert_same(loss, z, labels, weights(rng, len(z), data), theirs)


@given(seed=seeds, rows=st.integers(2, 8), classes=st.integers(2, 5))
def test_softmax_cross_entropy_with_weights_of_classes_and_ignored_labels(seed, rows, classes):
    rng = np.random.default_rng(seed)
    z, labels = rng.standard_normal((rows, classes)), rng.integers(0, classes, rows)
    labels[1:][rng.random(rows - 1) < 0.3] = -100
    of_class = tuple(rng.uniform(0.1, 3, classes).tolist())
    value, gradient = SoftmaxCrossEntropy(class_weight=of_class, ignore_index=-100)(z, labels)
    tensor = torch.tensor(z, requires_grad=True)
    wanted = functional.cross_entropy(
        tensor,
        torch.tensor(labels),
        weight=torch.tensor(of_class, dtype=torch.float64),
        ignore_index=-100,
    )
    wanted.backward()
    assert value == pytest.approx(wanted.item(), rel=1e-9)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-8, atol=1e-12)


@given(seed=seeds, rows=st.integers(2, 8), classes=st.integers(2, 5))
def test_cross_entropy_with_weights_of_classes_and_ignored_labels(seed, rows, classes):
    rng = np.random.default_rng(seed)
    p, labels = rng.dirichlet((2.0,) * classes, rows), rng.integers(0, classes, rows)
    labels[1:][rng.random(rows - 1) < 0.3] = -100
    of_class = tuple(rng.uniform(0.1, 3, classes).tolist())
    value, gradient = CrossEntropy(class_weight=of_class, ignore_index=-100)(p, labels)
    tensor = torch.tensor(p, requires_grad=True)
    wanted = functional.nll_loss(
        tensor.log(),
        torch.tensor(labels),
        weight=torch.tensor(of_class, dtype=torch.float64),
        ignore_index=-100,
    )
    wanted.backward()
    assert value == pytest.approx(wanted.item(), rel=1e-9)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-8, atol=1e-12)


@given(seed=seeds, rows=st.integers(1, 6), width=st.integers(1, 5), margin=st.floats(0.01, 5),
       data=st.data())  # fmt: skip
def test_triplet(seed, rows, width, margin, data):
    rng = np.random.default_rng(seed)
    members = rng.standard_normal((rows, 3, width))

    def theirs(members, _):
        return functional.triplet_margin_with_distance_loss(
            *members.unbind(dim=1),
            distance_function=lambda a, b: ((a - b) ** 2).sum(dim=-1),
            margin=margin,
            reduction="none",
        )

    assert_same(Triplet(margin=margin), members, np.zeros(rows), weights(rng, rows, data), theirs)


@given(seed=seeds, rows=st.integers(1, 8), classes=st.integers(2, 5), smoothing=st.floats(0, 0.9))
def test_smoothing_with_weights_of_classes(seed, rows, classes, smoothing):
    """A class weighs the whole row here; there, each class's smoothed share has its own weight."""
    rng = np.random.default_rng(seed)
    z, labels = rng.standard_normal((rows, classes)), rng.integers(0, classes, rows)
    of_class = rng.uniform(0.1, 3, classes)
    of_row = of_class[labels]
    loss = SoftmaxCrossEntropy(class_weight=tuple(of_class.tolist()), label_smoothing=smoothing)
    value, _ = loss(z, labels)

    def rows_of_theirs(z, t):
        return functional.cross_entropy(z, t, reduction="none", label_smoothing=smoothing)

    plain = SoftmaxCrossEntropy(label_smoothing=smoothing)
    assert_same(plain, z, labels, of_row, rows_of_theirs)
    assert value == pytest.approx(plain(z, labels, of_row)[0], rel=1e-12)
    logs = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    spread = smoothing / classes * (logs * (of_class - of_row[:, None])).sum()
    theirs = functional.cross_entropy(
        torch.tensor(z),
        torch.tensor(labels),
        weight=torch.tensor(of_class),
        label_smoothing=smoothing,
    ).item()
    assert value - spread / of_row.sum() == pytest.approx(theirs, rel=1e-9)


@given(seed=seeds, rows=st.integers(1, 8), classes=st.integers(2, 5), data=st.data())
def test_masked_logits(seed, rows, classes, data):
    rng = np.random.default_rng(seed)
    z, labels = rng.standard_normal((rows, classes)), rng.integers(0, classes, rows)
    masked = rng.random((rows, classes)) < 0.4
    masked[np.arange(rows), labels] = False
    z[masked] = -np.inf

    def theirs(z, t):
        return functional.cross_entropy(z, t, reduction="none")

    assert_same(SoftmaxCrossEntropy(), z, labels, weights(rng, rows, data), theirs)
