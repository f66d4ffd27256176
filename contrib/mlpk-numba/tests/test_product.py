"""The products that everything large is made of, against einsum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numba")

from mlpk_numba.product import add_product, panel, width_of, write_product, write_products
from mlpk_numba.tile import VECTOR_BYTES

ROUNDING = {"float32": 1e-5, "float64": 1e-13}


def product(a, b, c):
    width = width_of(c)
    for start in range(0, c.shape[1], width):
        add_product(a, panel(b, start), c[:, start : start + width])


@pytest.mark.parametrize("dtype", ROUNDING)
@given(
    rows=st.integers(1, 19),
    outer=st.integers(1, 3),
    inner=st.integers(1, 9),
    columns=st.integers(1, 70),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_it_adds_the_sum_over_both_axes(dtype, rows, outer, inner, columns, seed):
    rng = np.random.default_rng(seed)
    a, b, c = (
        rng.standard_normal(shape).astype(dtype)
        for shape in ((rows, outer, inner), (outer, inner, columns), (rows, columns))
    )
    wanted = c + np.einsum("rik,ikf->rf", a.astype("float64"), b.astype("float64"))
    product(a, b, c)
    np.testing.assert_allclose(c, wanted, rtol=0, atol=10 * ROUNDING[dtype])


@pytest.mark.parametrize("columns", [7, 32, 75])
@pytest.mark.parametrize("rows", [1, 6, 13])
def test_it_begins_with_what_it_is_told_and_goes_over_lines_of_rows(rows, columns):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((3, rows, 2, 5)), rng.standard_normal((2, 5, columns))
    begin, c = rng.standard_normal(columns), np.full((3, rows, columns), np.nan)
    everywhere, width = np.broadcast_to(begin, c.shape), width_of(c)
    for start in range(0, columns, width):
        some = slice(start, start + width)
        write_product(a, panel(b, start), everywhere[:, :, some], c[:, :, some])
    np.testing.assert_allclose(c, begin + np.einsum("prik,ikf->prf", a, b), rtol=0, atol=1e-13)


@pytest.mark.parametrize("vectors", [1, 2, 3])
@pytest.mark.parametrize("rows", [1, 6, 13])
def test_each_line_of_rows_has_a_matrix_of_its_own(rows, vectors):
    rng = np.random.default_rng(0)
    columns = vectors * VECTOR_BYTES // 8
    a, b = rng.standard_normal((3, rows, 2, 5)), rng.standard_normal((3, 2, 5, columns))
    begin, c = rng.standard_normal((3, rows, columns)), np.full((3, rows, columns), np.nan)
    write_products(a, b, begin, c)
    np.testing.assert_allclose(c, begin + np.einsum("prik,pikf->prf", a, b), rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", ROUNDING)
def test_nothing_outside_is_read_or_written(dtype):
    """Amid nan, whatever is read or written beside b and c shows."""
    rng = np.random.default_rng(0)
    held = np.full((9, 60), np.nan, dtype)
    c = held[1:8, 5:40]
    c[...] = 0
    given_b = np.full((3, 4, 50), np.nan, dtype)
    given_b[:, :, 7:42] = rng.standard_normal((3, 4, 35))
    a = rng.standard_normal((7, 3, 4)).astype(dtype)
    product(a, given_b[:, :, 7:42], c)
    wanted = np.einsum("rik,ikf->rf", a, given_b[:, :, 7:42])
    np.testing.assert_allclose(c, wanted, rtol=1e-4, atol=1e-5)
    c[...] = np.nan
    assert np.isnan(held).all()


def test_a_may_lie_anywhere():
    """Windows that overlap, and a matrix turned."""
    x = np.arange(40, dtype=np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(x, 6)[:, None]  # (35, 1, 6)
    b = np.eye(6, 33, dtype=np.float32)[None]
    c = np.zeros((35, 33), np.float32)
    product(windows, b, c)
    np.testing.assert_array_equal(c[:, :6], windows[:, 0])
    turned = np.zeros((6, 35), np.float32)
    product(windows.transpose(2, 1, 0), np.eye(35, dtype=np.float32)[None], turned)
    np.testing.assert_array_equal(turned, windows[:, 0].T)
