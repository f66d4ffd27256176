"""Losses of decisions between two: hinge, squared hinge, focal."""

import math

import numpy as np
import pytest

from mlpk import ConfigError, Context, DataError, ShapeError
from mlpk_plugins.losses.binary_cross_entropy import BinaryCrossEntropy
from mlpk_plugins.losses.focal import Focal
from mlpk_plugins.losses.hinge import Hinge
from mlpk_plugins.losses.squared_hinge import SquaredHinge

SCORES = np.array([[0.5, -2.0], [3.0, 0.25]])
SIGNS = np.array([[1, 1], [1, -1]])  # gaps 0.5, 3, 0, 1.25
Z = np.log([[1 / 3, 1.0], [4.0, 4.0]])  # sigmoids 1/4, 1/2, 4/5, 4/5


@pytest.mark.parametrize("dtype", ["int8", "int64", "float32", "float64"])
def test_hinge_by_hand(dtype):
    value, gradient = Hinge()(SCORES, SIGNS.astype(dtype))
    assert value == 4.75 / 4
    assert gradient.tolist() == [[-0.25, -0.25], [0.0, 0.25]]


def test_squared_hinge_by_hand():
    value, gradient = SquaredHinge()(SCORES, SIGNS)
    assert value == (0.25 + 9 + 0 + 1.5625) / 4
    assert gradient.tolist() == [[-0.25, -1.5], [0.0, 0.625]]


@pytest.mark.parametrize(
    ("loss", "wanted"),
    [(Hinge(), (3.5 + 3 * 1.25) / 8), (SquaredHinge(), (9.25 + 3 * 1.5625) / 8)],
)
def test_weights_by_hand(loss, wanted):
    assert loss(SCORES, SIGNS, [1.0, 3.0])[0] == wanted


@pytest.mark.parametrize("kind", [Hinge, SquaredHinge], ids=lambda kind: kind.kind)
def test_weights_of_answers_and_ignored_ones_by_hand(kind):
    # Gaps 0.5, 3 and 1.25 of the answers 1, 1 and -1, which weigh 3, 3 and 1; the row of the last
    # counts twice, and one of its two is ignored.
    loss, signs = kind(class_weight=(1.0, 3.0), ignore_index=0), np.array([[1, 1], [0, -1]])
    weight, power = np.array([1.0, 2.0]), 1 if kind is Hinge else 2
    value, gradient = loss(SCORES, signs, weight)
    assert value == pytest.approx((3 * 0.5**power + 3 * 3**power + 2 * 1.25**power) / 8)
    slopes = [[3, 3], [0, -2]] if kind is Hinge else [[3 * 1, 3 * 6], [0, -2 * 2.5]]
    np.testing.assert_allclose(gradient, -np.array(slopes) / 8, rtol=1e-14)
    # A row counts by the mean of its elements: (3 + 3) / 2, and (0 + 1) / 2 twice.
    assert loss.mass(Context("float64"), (2, 2), signs, weight) == 4.0


@pytest.mark.parametrize("loss", [Hinge(ignore_index=0), SquaredHinge(ignore_index=0)], ids=repr)
def test_other_answers_than_the_ignored_are_still_refused(loss):
    with pytest.raises(DataError, match="target 2 in row 1: wanted -1 or 1, or 0; labels 0 and 1"):
        loss(SCORES, np.array([[1, 0], [2, 1]]))


def test_focal_leaves_out_what_is_ignored():
    target, weight = np.array([[1, -1], [1, 0]]), np.array([1.0, 3.0])
    loss = Focal(gamma=2.0, ignore_index=-1)
    value, gradient = loss(np.where(target < 0, 1e4, Z), target, weight)
    parts = focal(1 / 4, 2) + 3 * focal(4 / 5, 2) + 3 * focal(1 / 5, 2)
    assert value == pytest.approx(parts / 7)
    _, alone = Focal(gamma=2.0)(Z[[0, 1, 1], [0, 0, 1]], np.array([1, 1, 0]), [1.0, 3.0, 3.0])
    assert gradient[0, 1] == 0
    np.testing.assert_allclose(gradient[[0, 1, 1], [0, 0, 1]], alone, rtol=1e-14)
    assert loss.mass(Context("float64"), (2, 2), target, weight) == 3.5
    with pytest.raises(DataError, match="target 2 in row 0: wanted 0 or 1, or -1; for classes"):
        loss(Z, np.array([[2, -1], [1, 0]]))


@pytest.mark.parametrize("loss", [Hinge(), SquaredHinge()], ids=lambda loss: loss.kind)
def test_what_is_right_by_far_is_left_alone(loss):
    value, gradient = loss(np.array([[1.0], [1e4], [-1e4]]), [1, 1, -1])
    assert value == 0
    assert not gradient.any()
    assert loss(np.array([[-1e4]]), [1])[0] in (10001.0, 10001.0**2)


def focal(q, gamma, a=1.0):
    """The equation for one element, q the probability of the true answer."""
    return -a * (1 - q) ** gamma * math.log(q)


def test_focal_by_hand():
    # The true answers have the probabilities 1/4, 1/2, 4/5 and 1/5.
    target = np.array([[1, 0], [1, 0]])
    value, gradient = Focal(gamma=2.0)(Z, target)
    assert value == pytest.approx(sum(focal(q, 2) for q in (1 / 4, 1 / 2, 4 / 5, 1 / 5)) / 4)
    # By z of the first: d/dz of -(1 - q)**2 log(q), with dq/dz = q (1 - q).
    q = 1 / 4
    slope = (2 * (1 - q) * math.log(q) - (1 - q) ** 2 / q) * q * (1 - q)
    assert gradient[0, 0] == pytest.approx(slope / 4)


def test_alpha_weighs_the_answers_and_not_the_mean():
    target = np.array([[1, 0], [1, 0]])
    value, _ = Focal(gamma=1.0, alpha=0.25)(Z, target)
    parts = [focal(1 / 4, 1, 0.25), focal(1 / 2, 1, 0.75)]
    parts += [focal(4 / 5, 1, 0.25), focal(1 / 5, 1, 0.75)]
    assert value == pytest.approx(sum(parts) / 4)
    value, _ = Focal(gamma=1.0, alpha=0.25)(Z, target, [1.0, 3.0])
    assert value == pytest.approx((sum(parts[:2]) + 3 * sum(parts[2:])) / 8)


def test_gamma_of_zero_is_binary_cross_entropy():
    rng = np.random.default_rng(0)
    z, target = 3 * rng.standard_normal((20, 3)), rng.integers(0, 2, (20, 3))
    value, gradient = Focal(gamma=0.0)(z, target)
    wanted, slopes = BinaryCrossEntropy()(z, target)
    assert value == pytest.approx(wanted, rel=1e-13)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_focal_far_out(gamma, dtype):
    z = np.array([1e4, -1e4, 1e4, -1e4], dtype)[:, None]
    value, gradient = Focal(gamma=gamma)(z, [1, 0, 0, 1])
    assert value == 5e3
    np.testing.assert_array_equal(gradient[:, 0], [0, 0, 0.25, -0.25])


@pytest.mark.parametrize(
    ("loss", "bad", "message"),
    [
        (Hinge(), 0, r"target 0 in row 1: wanted -1 or 1; labels 0 and 1 become these by 2 \* y"),
        (SquaredHinge(), 0.5, "target 0.5 in row 1: wanted -1 or 1"),
        (Hinge(), math.nan, "target nan in row 1: wanted -1 or 1"),
        (Focal(), -1, "target -1 in row 1: wanted 0 or 1; for classes give one-hot targets"),
        (Focal(), 0.5, "target 0.5 in row 1: wanted 0 or 1"),
    ],
)
def test_other_targets_are_refused_by_their_row(loss, bad, message):
    target = np.array([[1, 1], [1, bad]])
    for refused in (
        lambda: loss.check((2,), target),
        lambda: loss(SCORES, target),
    ):
        with pytest.raises(DataError, match=message) as info:
            refused()
        assert info.value.row == 1


@pytest.mark.parametrize("loss", [Hinge(), SquaredHinge(), Focal()], ids=lambda loss: loss.kind)
def test_shapes_must_agree(loss):
    for shape in ((2,), (2, 1), (2, 3)):
        with pytest.raises(ShapeError, match=r"wanted targets of the predictions' shape \(N, 2\)"):
            loss(SCORES, np.ones(shape, int))


@pytest.mark.parametrize("fields", [{"gamma": -0.1}, {"alpha": -0.1}, {"alpha": 1.1}])
def test_what_is_out_of_range_is_refused(fields):
    with pytest.raises(ConfigError, match=rf"focal\.{next(iter(fields))}"):
        Focal(**fields)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_of_infinite_logits(gamma):
    """They are sure: right ones cost nothing, wrong ones without end."""
    z, loss = np.array([[math.inf, -math.inf, 0.0]]), Focal(gamma=gamma)
    value, gradient = loss(z, np.array([[1, 0, 1]]))
    assert value == pytest.approx(math.log(2) * 0.5**gamma / 3)
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[0, :2], 0)
    assert loss(z, np.array([[0, 0, 1]]))[0] == math.inf
    assert loss(z, np.array([[1, 1, 1]]))[0] == math.inf
