"""Binary cross-entropy of logits."""

import math

import numpy as np
import pytest

from mlpk import Context, DataError, ShapeError
from mlpk_plugins.losses.binary_cross_entropy import BinaryCrossEntropy

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
        lambda: BinaryCrossEntropy().forward(Context("float64"), Z, target),
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
