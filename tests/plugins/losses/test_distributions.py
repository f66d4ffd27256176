"""Soft targets: a distribution over the classes at each position, for all losses that take them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import Context, DataError
from mlpk_plugins.losses.cross_entropy import CrossEntropy
from mlpk_plugins.losses.kl_divergence import KLDivergence
from mlpk_plugins.losses.softmax_cross_entropy import SoftmaxCrossEntropy

LOSSES = [SoftmaxCrossEntropy(), CrossEntropy(), KLDivergence()]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.kind)


def both(loss, target, dtype="float64"):
    """The check of a whole set, and a call, which checks first."""
    prediction = np.full(target.shape, 1 / target.shape[-1], dtype)
    return (
        lambda: loss.check(target.shape[1:], target),
        lambda: loss(prediction, target),
    )


@every_loss
@pytest.mark.parametrize(
    ("row", "total"),
    [
        ([0.5, 0.5, 0.5], "1.5"),
        ([0.2, 0.2, 0.2], "0.6"),
        ([0.0, 0.0, 0.0], "0"),
        ([1.0, 1.0, 0.0], "2"),
        ([0.5, 0.5, 0.002], "1.002"),
        ([0.5, np.inf, 0.0], "inf"),
    ],
)
def test_a_row_that_does_not_sum_to_one_is_named(loss, row, total):
    target = np.eye(3)[[0, 1, 2, 1, 0]]
    target[3] = row
    for refused in both(loss, target):
        message = f"^the shares in row 3 sum to {total}: wanted 1"
        with pytest.raises(DataError, match=message) as caught:
            refused()
        assert caught.value.row == 3


@every_loss
@pytest.mark.parametrize("dtype", [bool, np.int64, np.uint8])
def test_several_classes_at_once_are_no_distribution(loss, dtype):
    target = np.array([[1, 0, 0], [1, 0, 1]], dtype)
    for refused in both(loss, target):
        with pytest.raises(DataError, match=r"row 1 sum to 2.*binary_cross_entropy"):
            refused()


@every_loss
def test_of_a_sequence_the_row_is_named(loss):
    target = np.full((4, 5, 2), 0.5)
    target[2, 3] = 0.25
    for refused in both(loss, target):
        with pytest.raises(DataError, match=r"row 2 sum to 0.5") as caught:
            refused()
        assert caught.value.row == 2


@every_loss
@pytest.mark.parametrize("low", [-0.5, -1e-6])
def test_a_negative_share_is_refused_whatever_the_sum(loss, low):
    target = np.array([[0.5, 0.5], [1 - low, low]])
    for refused in both(loss, target):
        with pytest.raises(DataError, match=f"target {low} in row 1: wanted 0 or more"):
            refused()


@given(
    st.integers(0, 2**32),
    st.integers(2, 2000),
    st.sampled_from(["float16", "float32", "float64"]),
    st.floats(0, 0.9),
)
def test_what_a_softmax_or_smoothing_gives_passes(seed, classes, dtype, smoothing):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((3, classes)) * rng.uniform(0, 10)
    soft = np.exp(z - z.max(axis=1, keepdims=True))
    soft /= soft.sum(axis=1, keepdims=True)
    smooth = (1 - smoothing) * np.eye(classes)[rng.integers(classes, size=3)] + smoothing / classes
    for target in (soft.astype(dtype), smooth.astype(dtype)):
        for passed in both(SoftmaxCrossEntropy(), target, "float32"):
            passed()


@every_loss
def test_nan_is_left_to_those_who_look_for_it(loss):
    target = np.array([[0.5, 0.5], [np.nan, 0.5]])
    loss.check((2,), target)
    value, _ = loss.forward(Context("float64"), np.full((2, 2), 0.5), target)
    assert np.isnan(value)
    target[0] = 0.75
    with pytest.raises(DataError, match=r"row 0 sum to 1.5"):
        loss.check((2,), target)


@every_loss
def test_no_rows_pass(loss):
    for passed in both(loss, np.empty((0, 3))):
        passed()
