"""Reductions over the classes."""

import numpy as np
import pytest

from mlpk import Context
from mlpk.testing.layouts import LAYOUTS
from mlpk_plugins.losses.parts.class_axis import FEW, class_peaks, class_sums

SHAPES = [(5, 2), (1, 10), (3, 4, 3), (7, FEW), (7, FEW + 1), (2, 3, 2 * FEW), (0, 3)]


def drawn(shape):
    return np.random.default_rng(0).standard_normal(shape)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("lie", LAYOUTS)
def test_peaks_are_the_largest_of_each_row_however_it_lies(shape, lie):
    z = drawn(shape)
    ctx = Context("float64", spoil=True)
    out = np.full((*shape[:-1], 1), np.nan)
    assert class_peaks(ctx, LAYOUTS[lie](z), out) is out
    rows = z.reshape(-1, shape[-1])
    assert out.ravel().tolist() == [max(row) for row in rows.tolist()]


@pytest.mark.parametrize("classes", [2, FEW + 1])
def test_a_peak_of_nan_is_nan_and_one_of_infinities_is_the_larger(classes):
    z = np.zeros((3, classes))
    z[0, 1], z[1], z[2, 0] = np.nan, -np.inf, np.inf
    out = class_peaks(Context("float64"), z, np.empty((3, 1)))
    np.testing.assert_array_equal(out, [[np.nan], [-np.inf], [np.inf]])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_are_those_of_each_row(shape, dtype):
    x = drawn(shape).astype(dtype)
    ctx = Context(dtype, spoil=True)
    out = np.full((*shape[:-1], 1), np.nan, dtype)
    assert class_sums(ctx, x, out) is out
    wanted = x.astype("float64").sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(out, wanted, atol=40 * np.finfo(dtype).eps)
