"""Orthogonal draws: orthogonal indeed, and uniform among all orthogonal matrices."""

from math import prod, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import ShapeError
from mlpk_plugins.initializers.orthogonal import Orthogonal

sides = st.integers(1, 12)


def drawn(shape, gain=1.0, fans=None, seed=0):
    if fans is None:
        field = prod(shape[:-2])
        fans = (prod(shape[:-1]), field * prod(shape[-1:]))
    return Orthogonal(gain=gain).draw(np.random.default_rng(seed), shape, fans)


@given(st.lists(sides, min_size=2, max_size=4).map(tuple), st.floats(0.1, 3))
def test_columns_or_rows_are_orthogonal_and_gain_long(shape, gain):
    weight = drawn(shape, gain)
    assert weight.shape == shape
    matrix = weight.reshape(-1, shape[-1])
    rows, cols = matrix.shape
    product = matrix.T @ matrix if rows >= cols else matrix @ matrix.T
    np.testing.assert_allclose(product, gain**2 * np.eye(min(rows, cols)), atol=1e-12)


def test_a_square_draw_keeps_lengths():
    weight, x = drawn((6, 6)), np.random.default_rng(1).standard_normal((4, 6))
    lengths = np.linalg.norm(x, axis=1)
    np.testing.assert_allclose(np.linalg.norm(x @ weight, axis=1), lengths, rtol=1e-12)
    assert np.linalg.svd(drawn((6, 6), gain=2.5), compute_uv=False) == pytest.approx([2.5] * 6)


def test_each_gate_is_a_matrix_of_its_own():
    weight = drawn((5, 20), fans=(5, 5))
    for gate in np.split(weight, 4, axis=1):
        np.testing.assert_allclose(gate.T @ gate, np.eye(5), atol=1e-12)
    assert not np.allclose(weight[:, :5], weight[:, 5:10])


def test_each_group_of_a_convolution_is_a_matrix_of_its_own():
    weight = drawn((3, 3, 2, 8), fans=(18, 36))  # two groups of four filters
    for group in np.split(weight.reshape(18, 8), 2, axis=1):
        np.testing.assert_allclose(group.T @ group, np.eye(4), atol=1e-12)


@pytest.mark.parametrize("fans", [(1, 1), (5, 7), (5, 100), (4, 5)])
def test_fans_that_tile_nothing_leave_one_matrix(fans):
    weight = drawn((5, 20), fans=fans)
    np.testing.assert_allclose(weight @ weight.T, np.eye(5), atol=1e-12)


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (2, 2), (3, 2), (2, 3)])
def test_signs_are_even_and_entries_spread_evenly(rows, cols):
    # Haar: each entry is as often positive as negative, and E(w**2) = 1 / max(rows, cols), as a
    # QR whose signs are left to LAPACK is not.
    rng, n = np.random.default_rng(0), 4000
    draws = np.array([Orthogonal().draw(rng, (rows, cols), (rows, cols)) for _ in range(n)])
    assert np.abs(np.sign(draws).mean(axis=0)).max() < 5 / sqrt(n)
    expected = 1 / max(rows, cols)
    assert np.abs(np.square(draws).mean(axis=0) - expected).max() < 5 * 0.5 / sqrt(n)


def test_rotations_are_uniform_in_angle():
    rng = np.random.default_rng(0)
    draws = np.array([Orthogonal().draw(rng, (2, 2), (2, 2)) for _ in range(4000)])
    angles = np.arctan2(draws[:, 1, 0], draws[:, 0, 0])
    counts, _ = np.histogram(angles, bins=8, range=(-np.pi, np.pi))
    assert np.abs(counts - 500).max() < 5 * sqrt(500)
    rotations = np.mean(np.linalg.det(draws) > 0)
    assert rotations == pytest.approx(0.5, abs=5 * 0.5 / sqrt(4000))


@pytest.mark.parametrize("shape", [(), (5,)])
def test_vectors_are_refused(shape):
    with pytest.raises(ShapeError, match="two axes or more, found shape"):
        drawn(shape)
