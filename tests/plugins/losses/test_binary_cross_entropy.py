"""Binary cross-entropy of logits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import ConfigError, Context, DataError, ShapeError
from mlpk_plugins.losses.binary_cross_entropy import BinaryCrossEntropy
from mlpk_plugins.losses.softmax_cross_entropy import SoftmaxCrossEntropy

# Sigmoids 1/4, 1/2 and 4/5.
Z = np.log([[1 / 3, 1.0], [4.0, 4.0]])


def test_by_hand():
    value, gradient = BinaryCrossEntropy()(Z, [[1.0, 0.0], [1.0, 0.5]])
    half = -0.5 * math.log(4 / 5) - 0.5 * math.log(1 / 5)
    assert value == pytest.approx((math.log(4) + math.log(2) + math.log(5 / 4) + half) / 4)
    np.testing.assert_allclose(gradient, np.array([[-0.75, 0.5], [-0.2, 0.3]]) / 4, rtol=1e-14)


def test_weights_by_hand():
    value, gradient = BinaryCrossEntropy()(Z, [[1, 0], [1, 0]], [1.0, 3.0])
    second = math.log(5 / 4) + math.log(5)
    assert value == pytest.approx((math.log(4) + math.log(2) + 3 * second) / 8)
    np.testing.assert_allclose(gradient, np.array([[-0.75, 0.5], [-0.6, 2.4]]) / 8, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["bool", "int64", "uint8", "float32", "float64"])
def test_a_column_of_logits_takes_a_vector_of_targets(dtype):
    z, target = Z.reshape(4, 1), np.array([1, 0, 1, 0], dtype)
    value, gradient = BinaryCrossEntropy()(z, target)
    same, slopes = BinaryCrossEntropy()(z, target[:, None])
    assert value == same == pytest.approx((math.log(4 * 2 * 5 / 4 * 5)) / 4)
    assert gradient.shape == (4, 1)
    np.testing.assert_array_equal(gradient, slopes)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logits_far_out_do_not_overflow(dtype):
    z = np.array([1e4, -1e4, 1e4, -1e4, 0.0], dtype)
    value, gradient = BinaryCrossEntropy()(z, [1, 0, 0, 1, 1])
    assert value == pytest.approx((0 + 0 + 1e4 + 1e4 + math.log(2)) / 5, rel=1e-6)
    np.testing.assert_allclose(gradient, np.array([0, 0, 1, -1, -0.5]) / 5, rtol=1e-6)


def test_a_confident_right_answer_keeps_its_precision():
    value, gradient = BinaryCrossEntropy()(np.array([[-40.0]]), [[0.0]])
    assert value == pytest.approx(math.exp(-40), rel=1e-14)
    assert gradient[0, 0] == pytest.approx(math.exp(-40), rel=1e-14)


@pytest.mark.parametrize(("bad", "shown"), [(2, "2"), (-1, "-1"), (1.5, "1.5")])
def test_targets_out_of_range_name_their_row(bad, shown):
    target = np.array([[0, 1], [1, bad]])
    for refused in (
        lambda: BinaryCrossEntropy().check((2,), target),
        lambda: BinaryCrossEntropy()(Z, target),
    ):
        with pytest.raises(DataError, match=f"target {shown} in row 1: wanted 0 to 1") as info:
            refused()
        assert info.value.row == 1


@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 3), (3, 2), (2, 2, 1)])
def test_shapes_must_agree(shape):
    with pytest.raises(ShapeError, match=r"wanted targets of the predictions' shape \(2, 2\)"):
        BinaryCrossEntropy().forward(Context("float64"), Z, np.zeros(shape))


def test_nan_hides_no_target_out_of_range():
    target = np.array([[0.5], [np.nan], [1.5]])
    with pytest.raises(DataError, match=r"target 1\.5 in row 2") as caught:
        BinaryCrossEntropy().check((1,), target)
    assert caught.value.row == 2


def test_class_weights_by_hand():
    # Answers 1, 0, 1, 0 weigh 3, 1, 3, 1; the second row counts twice.
    loss, target = BinaryCrossEntropy(class_weight=(1.0, 3.0)), np.array([[1, 0], [1, 0]])
    value, gradient = loss(Z, target, [1.0, 2.0])
    first, second = 3 * math.log(4) + math.log(2), 3 * math.log(5 / 4) + math.log(5)
    assert value == pytest.approx((first + 2 * second) / 12, rel=1e-14)
    wanted = np.array([[3 * -0.75, 0.5], [6 * -0.2, 2 * 0.8]]) / 12
    np.testing.assert_allclose(gradient, wanted, rtol=1e-14)
    # The mass counts a row by the mean of its elements: (3 + 1) / 2, twice in the second.
    assert loss.mass(Context("float64"), (2, 2), target, np.array([1.0, 2.0])) == 6.0


def test_the_weight_of_a_soft_target_is_the_mixture_of_both():
    loss = BinaryCrossEntropy(class_weight=(1.0, 3.0))
    value, _ = loss(Z[:1], [[1.0, 0.25]])  # weights 3 and 0.75 + 0.75
    assert value == pytest.approx((3 * math.log(4) + 1.5 * math.log(2)) / 4.5, rel=1e-14)


def test_label_smoothing_by_hand():
    value, gradient = BinaryCrossEntropy(label_smoothing=0.2)(Z[:1], [[1, 0]])  # 0.9 and 0.1
    first = 0.9 * math.log(4) + 0.1 * math.log(4 / 3)
    assert value == pytest.approx((first + math.log(2)) / 2, rel=1e-14)
    np.testing.assert_allclose(gradient, [[(0.25 - 0.9) / 2, (0.5 - 0.1) / 2]], rtol=1e-14)


@pytest.mark.parametrize("ignored", [-1, -100, 0, 1, 7])
@pytest.mark.parametrize("dtype", ["int64", "float32"])
def test_ignored_targets_count_nowhere(ignored, dtype):
    loss = BinaryCrossEntropy(ignore_index=ignored, class_weight=(1.0, 3.0), label_smoothing=0.2)
    z = np.array([[0.5, 1e4], [-2.0, -3.0]])
    kept = 1 - ignored if ignored in (0, 1) else 1
    target = np.array([[kept, ignored], [kept, kept]], dtype)
    value, gradient = loss(z, target, [1.0, 2.0])
    column = np.array([[0.5], [-2.0], [-3.0]])
    plain = BinaryCrossEntropy(class_weight=(1.0, 3.0), label_smoothing=0.2)
    wanted, slopes = plain(column, np.full(3, kept), [1.0, 2.0, 2.0])
    assert value == pytest.approx(wanted, rel=1e-14)
    assert gradient[0, 1] == 0
    np.testing.assert_allclose(gradient[[0, 1, 1], [0, 0, 1]], slopes[:, 0], rtol=1e-13)
    nothing, none = loss(z, np.full((2, 2), ignored, dtype))
    assert str(nothing) == "0.0"
    assert not none.any()


@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(1, 6),
    smoothing=st.sampled_from([0.0, 0.3]),
    weights=st.none() | st.tuples(st.floats(0.1, 5), st.floats(0.1, 5)),
    form=st.sampled_from(["labels", "ignored", "soft"]),
)
def test_it_is_softmax_cross_entropy_of_the_logits_0_and_z(seed, rows, smoothing, weights, form):
    rng = np.random.default_rng(seed)
    z, row_weight = 3 * rng.standard_normal((rows, 4)), rng.uniform(0.1, 2, rows)
    target = rng.random((rows, 4)) if form == "soft" else rng.integers(0, 2, (rows, 4))
    fields = {"label_smoothing": smoothing, "class_weight": weights}
    if form == "ignored":
        target[rng.random((rows, 4)) < 0.3] = -1
        fields["ignore_index"] = -1
    pair = np.stack([np.zeros_like(z), z], axis=-1)
    both = np.stack([1 - target, target], axis=-1) if form == "soft" else target
    ours, theirs = BinaryCrossEntropy(**fields), SoftmaxCrossEntropy(**fields)
    value, gradient = ours(z, target, row_weight)
    wanted, slopes = theirs(pair, both, row_weight)
    assert value == pytest.approx(wanted, rel=1e-10, abs=1e-14)
    np.testing.assert_allclose(gradient, slopes[..., 1], rtol=1e-9, atol=1e-14)
    mass = ours.mass(Context("float64"), z.shape, target, row_weight)
    assert mass == pytest.approx(theirs.mass(Context("float64"), pair.shape, both, row_weight))


def test_other_targets_than_the_ignored_are_still_refused():
    loss, target = BinaryCrossEntropy(ignore_index=-1), np.array([[0, -1], [1, -2]])
    for refused in (
        lambda: loss.check((2,), target),
        lambda: loss(Z, target),
    ):
        with pytest.raises(DataError, match="target -2 in row 1: wanted 0 to 1, or -1") as info:
            refused()
        assert info.value.row == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"class_weight": (1.0, -1.0)}, r"class_weight: must hold numbers from 0"),
        (
            {"class_weight": (1.0, 2.0, 3.0)},
            r"class_weight: wanted None or a list of \[a number",
        ),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"label_smoothing": -0.1}, "label_smoothing"),
    ],
)
def test_what_is_out_of_range_is_refused(fields, message):
    with pytest.raises(ConfigError, match=rf"^binary_cross_entropy\.{message}"):
        BinaryCrossEntropy(**fields)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_infinite_logits(dtype):
    """They are sure: right ones cost nothing, wrong ones without end."""
    z = np.array([[math.inf, -math.inf, 0.0, math.inf]], dtype)
    right, slopes = BinaryCrossEntropy()(z, np.array([[1, 0, 1, 1]]))
    assert right == pytest.approx(math.log(2) / 4)
    np.testing.assert_allclose(slopes, [[0, 0, -0.125, 0]])
    for wrong in ([[0.0, 0.0, 1.0, 1.0]], [[1.0, 1.0, 1.0, 1.0]], [[0.5, 0.0, 1.0, 1.0]]):
        value, slopes = BinaryCrossEntropy()(z, np.array(wrong))
        assert value == math.inf
        wanted = (np.array([[1, 0, 0.5, 1]]) - wrong) / 4
        np.testing.assert_allclose(slopes, wanted)
