"""Losses of vectors and distributions: cosine similarity, Kullback-Leibler, triplets."""

import math

import numpy as np
import pytest

from mlpk import ConfigError, DataError, ShapeError
from mlpk_plugins.losses.cosine_similarity import CosineSimilarity
from mlpk_plugins.losses.cross_entropy import CrossEntropy
from mlpk_plugins.losses.kl_divergence import KLDivergence
from mlpk_plugins.losses.triplet import Triplet


def test_cosines_by_hand():
    y = np.array([[3.0, 4.0], [1.0, 0.0], [2.0, 0.0]])
    t = np.array([[6.0, 8.0], [0.0, 5.0], [-1.0, 0.0]])  # along, at right angles, against
    value, gradient = CosineSimilarity()(y, t)
    assert value == pytest.approx((0 + 1 + 2) / 3)
    np.testing.assert_allclose(gradient, [[0, 0], [0, -1 / 3], [0, 0]], atol=1e-15)
    assert CosineSimilarity()(y, t, [1.0, 2.0, 1.0])[0] == pytest.approx((0 + 2 + 2) / 4)


def test_lengths_do_not_matter_however_large_or_small():
    rng = np.random.default_rng(0)
    y, t = rng.standard_normal((2, 5, 3))
    wanted = np.mean([1 - a @ b / np.sqrt((a @ a) * (b @ b)) for a, b in zip(y, t, strict=True)])
    for scale in (1e-200, 1e-4, 1.0, 1e4, 1e200):
        value, gradient = CosineSimilarity()(scale * y, t)
        assert value == pytest.approx(wanted, rel=1e-12)
        # Turning changes a vector by what stands at right angles to it.
        assert np.abs(np.einsum("nd,nd->n", gradient, scale * y)).max() < 1e-15
        assert CosineSimilarity()(y, scale * t)[0] == pytest.approx(wanted, rel=1e-12)


def test_vectors_of_zeros_have_no_direction():
    y = np.array([[0.0, 0.0], [1.0, 2.0], [0.0, 0.0]])
    t = np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    value, gradient = CosineSimilarity()(y, t)
    assert value == 1.0
    assert not gradient.any()


def test_each_position_of_a_sequence_has_a_cosine():
    y = np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [1.0, 0.0]]])
    t = np.array([[[1.0, 0.0], [1.0, 0.0]], [[1.0, 1.0], [-1.0, 0.0]]])
    assert CosineSimilarity()(y, t, [1.0, 3.0])[0] == pytest.approx((0 + 1 + 3 * 0 + 3 * 2) / 8)


def test_divergence_by_hand():
    p, t = np.array([[0.25, 0.75], [0.5, 0.5]]), np.array([[0.5, 0.5], [1.0, 0.0]])
    first = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)
    value, gradient = KLDivergence()(p, t)
    assert value == pytest.approx((first + math.log(2)) / 2, rel=1e-14)
    np.testing.assert_allclose(gradient, [[-1, -1 / 3], [-1, 0]], rtol=1e-14)
    assert KLDivergence()(p, t, [1.0, 3.0])[0] == pytest.approx((first + 3 * math.log(2)) / 4)


def test_a_distribution_does_not_diverge_from_itself():
    p = np.random.default_rng(0).dirichlet((0.1, 0.1, 0.1), 50)
    assert abs(KLDivergence()(p, p)[0]) < 1e-15
    assert KLDivergence()(p, p[::-1])[0] > 0


def test_divergence_from_labels_is_their_cross_entropy():
    rng = np.random.default_rng(0)
    p, labels = rng.dirichlet((1.0, 1.0, 1.0), (4, 2)), rng.integers(0, 3, (4, 2))
    value, gradient = KLDivergence()(p, labels)
    wanted, slopes = CrossEntropy()(p, labels)
    assert value == pytest.approx(wanted, rel=1e-14)
    np.testing.assert_array_equal(gradient, slopes)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probabilities_of_zero_stay_finite(dtype):
    p = np.array([[0.0, 1.0], [1.0, 0.0]], dtype)
    value, gradient = KLDivergence()(p, np.array([[1.0, 0.0], [1.0, 0.0]], dtype))
    assert value == pytest.approx(-math.log(np.finfo(dtype).tiny) / 2, rel=1e-6)
    assert np.isfinite(gradient).all()
    assert gradient[1].tolist() == [-0.5, 0.0]


def test_divergence_checks_its_targets():
    with pytest.raises(DataError, match=r"target -1.0 in row 0: wanted 0 or more"):
        KLDivergence()(np.full((2, 2), 0.5), [[-1.0, 2.0], [0.0, 1.0]])
    with pytest.raises(ShapeError, match=r"found float64 \(2, 3\)"):
        KLDivergence()(np.full((2, 2), 0.5), np.zeros((2, 3)))


TRIPLETS = np.array(
    [
        [[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]],  # 1 - 4: far enough by 3
        [[0.0, 0.0], [2.0, 0.0], [0.0, 1.0]],  # 4 - 1
    ]
)


def test_triplets_by_hand():
    value, gradient = Triplet(margin=1.0)(TRIPLETS, np.zeros(2))
    assert value == (0 + 4) / 2
    assert not gradient[0].any()
    # 2 (n - p), 2 (p - a), 2 (a - n), each over the two rows
    assert gradient[1].tolist() == [[-2.0, 1.0], [2.0, 0.0], [0.0, -1.0]]
    value, gradient = Triplet(margin=5.0)(TRIPLETS, np.zeros(2), [1.0, 3.0])
    assert value == (1 * 2 + 3 * 8) / 4
    assert gradient[0].tolist() == [[-0.5, 1.0], [0.5, 0.0], [0.0, -1.0]]


@pytest.mark.parametrize("target", [np.array([7, -3]), np.array(["cat", "dog"]), np.ones((2, 4))])
def test_targets_of_triplets_are_never_looked_at(target):
    assert Triplet()(TRIPLETS, target)[0] == Triplet()(TRIPLETS, np.zeros(2))[0]


def test_embeddings_that_agree_cost_the_margin():
    assert Triplet(margin=0.5)(np.full((2, 3, 4), 1e4), np.zeros(2))[0] == 0.5


@pytest.mark.parametrize("shape", [(3,), (2, 4), (3, 2, 2), ()])
def test_predictions_that_are_no_triplets_are_refused(shape):
    with pytest.raises(ConfigError, match=r"^triplet: wanted predictions \(N, 3, d\).*found \(N,"):
        Triplet().check(shape, np.zeros(5))
    with pytest.raises(ConfigError, match=r"^triplet: wanted predictions \(N, 3, d\)"):
        Triplet()(np.zeros((5, *shape)), np.zeros(5))


def test_triplets_want_a_target_a_row():
    with pytest.raises(ShapeError, match="wanted 2 targets, one a row, found 3"):
        Triplet()(TRIPLETS, np.zeros(3))
    with pytest.raises(ShapeError, match="wanted one target a row"):
        Triplet()(TRIPLETS, 0)
    with pytest.raises(ConfigError, match=r"triplet\.margin"):
        Triplet(margin=0.0)
