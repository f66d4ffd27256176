"""What every loss keeps, whatever it computes."""

import numpy as np
import pytest

from mlpk import Context, ShapeError
from mlpk_plugins.losses import mlpk_losses

LOSSES = mlpk_losses()
EXAMPLES = [example for loss in LOSSES for example in loss.examples()]
WEIGHT = np.array([0.5, 2.0, 0.0, 1.0])


def drawn(example, rows=4):
    return example.inputs(np.random.default_rng(1), rows)


def both_ways(loss, prediction, target, weight=None):
    ctx = Context(prediction.dtype, spoil=True)
    value, saved = loss.forward(ctx, prediction, target, weight)
    assert isinstance(value, float)
    return value, loss.backward(ctx, saved).copy()


def test_the_list_is_sorted_and_without_doubles():
    kinds = [loss.kind for loss in LOSSES]
    assert kinds == sorted(set(kinds))


def test_what_they_take():
    assert {loss.kind: loss.takes for loss in LOSSES} == {
        "binary_cross_entropy": "logits",
        "cosine_similarity": "real",
        "cross_entropy": "probabilities",
        "focal": "logits",
        "hinge": "real",
        "huber": "real",
        "kl_divergence": "probabilities",
        "log_cosh": "real",
        "mean_absolute_error": "real",
        "mean_squared_error": "real",
        "poisson": "real",
        "softmax_cross_entropy": "logits",
        "squared_hinge": "real",
        "triplet": "real",
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=repr)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_gradients_are_central_differences(example, weight):
    prediction, target = drawn(example)
    _, gradient = both_ways(example.instance, prediction, target, weight)
    for at in np.ndindex(prediction.shape):
        step = np.zeros_like(prediction)
        step[at] = 1e-6
        above, _ = both_ways(example.instance, prediction + step, target, weight)
        below, _ = both_ways(example.instance, prediction - step, target, weight)
        assert gradient[at] == pytest.approx((above - below) / 2e-6, abs=1e-8)


@pytest.mark.parametrize("example", EXAMPLES, ids=repr)
def test_weights_count_rows(example):
    prediction, target = drawn(example)
    loss = example.instance
    twice = np.repeat(np.arange(4), [2, 0, 1, 3])
    value, gradient = both_ways(loss, prediction, target, np.array([2.0, 0.0, 1.0, 3.0]))
    wanted, parts = both_ways(loss, prediction[twice], target[twice])
    assert value == pytest.approx(wanted, rel=1e-12)
    for row in range(4):
        np.testing.assert_allclose(gradient[row], parts[twice == row].sum(0), rtol=1e-12)
    mass = loss.mass(Context("float64"), prediction.shape, target, np.array([2.0, 0.0, 1.0, 3.0]))
    assert mass == pytest.approx(
        loss.mass(Context("float64"), prediction[twice].shape, target[twice], None)
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=repr)
@pytest.mark.parametrize("size", [100, 1e25, -1e25, np.inf, -np.inf, np.nan])
def test_a_row_of_weight_zero_may_hold_anything(example, size):
    """Its own loss, and the slope of it, may well be infinite."""
    prediction, target = drawn(example)
    prediction = prediction.astype("float32")
    kept = WEIGHT > 0
    loss, weight = example.instance, WEIGHT.astype("float32")
    wanted, slopes = loss(prediction[kept], target[kept], weight[kept])
    prediction[~kept] *= np.float32(size)
    value, gradient = loss(prediction, target, weight)
    assert value == pytest.approx(wanted, rel=1e-6)
    np.testing.assert_allclose(gradient[kept], slopes, rtol=1e-5)
    np.testing.assert_array_equal(gradient[~kept], 0)


@pytest.mark.parametrize("example", EXAMPLES, ids=repr)
def test_nan_in_a_row_that_counts_shows(example):
    """Nothing that is left out on the way hides it."""
    prediction, target = drawn(example)
    prediction[1] = np.nan
    for weight in (None, WEIGHT):
        value, gradient = example.instance(prediction, np.abs(target), weight)
        assert np.isnan(value)
        assert np.isnan(gradient[1]).any()


@pytest.mark.parametrize("example", EXAMPLES, ids=repr)
def test_masses_join_batches(example):
    prediction, target = drawn(example)
    loss = example.instance
    wanted, _ = both_ways(loss, prediction, target, WEIGHT)
    parts = [slice(0, 1), slice(1, 4)]
    masses = [
        loss.mass(Context("float64"), prediction[rows].shape, target[rows], WEIGHT[rows])
        for rows in parts
    ]
    values = [both_ways(loss, prediction[rows], target[rows], WEIGHT[rows])[0] for rows in parts]
    assert np.dot(masses, values) / sum(masses) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("example", EXAMPLES, ids=repr)
def test_without_any_weight_there_is_no_loss(example):
    prediction, target = drawn(example)
    value, gradient = both_ways(example.instance, prediction, target, np.zeros(4))
    assert str(value) == "0.0"
    assert not gradient.any()
    value, gradient = both_ways(example.instance, prediction[:0], target[:0])
    assert str(value) == "0.0"
    assert gradient.shape == prediction[:0].shape


@pytest.mark.parametrize("example", EXAMPLES, ids=repr)
def test_weights_are_one_a_row(example):
    prediction, target = drawn(example)
    for shape in ((4, 1), (3,), ()):
        with pytest.raises(ShapeError, match=r"wanted one weight a row, shape \(4,\)"):
            both_ways(example.instance, prediction, target, np.ones(shape))


@pytest.mark.parametrize("example", EXAMPLES, ids=repr)
def test_order_in_memory_and_write_protection_do_not_matter(example):
    prediction, target = drawn(example)
    value, gradient = both_ways(example.instance, prediction, target, WEIGHT)

    def scattered(array):
        wide = np.zeros((*array.shape, 2), array.dtype)
        wide[..., 0] = array
        wide.flags.writeable = False
        return wide[..., 0]

    scattered_too = both_ways(example.instance, *map(scattered, (prediction, target, WEIGHT)))
    assert scattered_too[0] == value
    np.testing.assert_array_equal(scattered_too[1], gradient)


@pytest.mark.parametrize("example", EXAMPLES, ids=repr)
def test_float32_follows_float64(example):
    prediction, target = drawn(example)
    wanted, slopes = both_ways(example.instance, prediction, target, WEIGHT)
    value, gradient = both_ways(
        example.instance, prediction.astype("float32"), target, WEIGHT.astype("float32")
    )
    assert gradient.dtype == np.float32
    assert value == pytest.approx(wanted, rel=1e-5)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("example", EXAMPLES, ids=repr)
def test_no_allocation_grows_with_the_batch(example, peak):
    rows = 200_000
    prediction, target = drawn(example, rows)
    ctx, weight = Context("float64"), np.ones(rows)

    def step():
        _, saved = example.instance.forward(ctx, prediction, target, weight)
        example.instance.backward(ctx, saved)

    # NumPy's own buffers, for broadcasting and mixed dtypes, hold 8192 numbers whatever the batch.
    assert peak(step) < rows  # one byte a row
