"""Matrix products by the function of BLAS itself: what it is given, and what comes of it."""

import ctypes

import numpy as np
import pytest
from mlpk import blas

pytest.importorskip("numba")

from mlpk_numba import board, gemm, matrices, sharing

ROUNDING = {"float32": 1e-4, "float64": 1e-12}


def drawn(rows, columns, dtype, turned):
    values = np.random.default_rng(rows + columns).standard_normal((rows, columns)).astype(dtype)
    return np.asfortranarray(values) if turned else values


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(("turn_a", "turn_b"), [(0, 0), (1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize(
    "shape",
    [
        (37, 21, 30), (30, 21, 37), (300, 300, 40), (4, 50, 3), (1, 5, 7), (5, 1, 3), (5, 3, 1),
        (0, 4, 3),
    ],
)  # fmt: skip
def test_products(shape, turn_a, turn_b, threads, dtype, monkeypatch):
    monkeypatch.setattr(sharing, "LEAST", 1)
    monkeypatch.setattr(blas, "threads", lambda: threads)
    m, k, n = shape
    a, b = drawn(m, k, dtype, turn_a), drawn(k, n, dtype, turn_b)
    out = np.full((m, n), np.nan, dtype)
    matrices.multiply(a, b, out)
    wanted = a.astype("float64") @ b.astype("float64")
    np.testing.assert_allclose(out, wanted, rtol=0, atol=ROUNDING[dtype])


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize(
    "shape", [(37, 21, 30), (300, 300, 40), (40, 300, 300), (2, 90, 3), (1, 5, 7)]
)
def test_two_products_at_once(shape, threads, dtype, monkeypatch):
    """As dense layers want them: x' dy, and dy W'."""
    monkeypatch.setattr(sharing, "LEAST", 1)
    monkeypatch.setattr(blas, "threads", lambda: threads)
    rows, n, units = shape
    x, dy = drawn(rows, n, dtype, turned=0), drawn(rows, units, dtype, turned=0)
    weight = drawn(n, units, dtype, turned=0)
    dx, dweight = np.full((rows, n), np.nan, dtype), np.full((n, units), np.nan, dtype)
    matrices.multiply_both((dy, weight.T, dx), (x.T, dy, dweight))
    x, dy, weight = (each.astype("float64") for each in (x, dy, weight))
    for found, wanted in ((dx, dy @ weight.T), (dweight, x.T @ dy)):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=ROUNDING[dtype])


def test_of_another_library_than_openblas_numpy_is_asked(monkeypatch):
    monkeypatch.setattr(sharing, "LEAST", 1)
    monkeypatch.setattr(blas, "threads", lambda: 2)
    monkeypatch.setattr(blas, "gemm", lambda _: None)
    a, b, out, other = np.ones((3, 4)), np.ones((4, 5)), np.empty((3, 5)), np.empty((5, 3))
    matrices.multiply(a, b, out)
    np.testing.assert_array_equal(out, 4)
    matrices.multiply_both((a, b, np.empty((3, 5))), (b.T, a.T, other))
    np.testing.assert_array_equal(other, 4)


@pytest.mark.parametrize(("integer", "wide"), [(ctypes.c_int32, False), (ctypes.c_int64, True)])
@pytest.mark.parametrize(
    ("dtype", "real"), [("float32", ctypes.c_float), ("float64", ctypes.c_double)]
)
def test_what_blas_is_told(integer, wide, dtype, real):
    """Sizes and leading dimensions, by the order of cblas.h, as integers of either width."""
    told = []
    order, pointer = ctypes.c_int, ctypes.c_void_p
    kind = ctypes.CFUNCTYPE(
        None, order, order, order, integer, integer, integer,
        real, pointer, integer, pointer, integer, real, pointer, integer,
    )  # fmt: skip
    listen = kind(lambda *given: told.append(given))
    a, b, out = drawn(6, 4, dtype, turned=0), drawn(4, 5, dtype, turned=1), np.zeros((6, 9), dtype)
    part = out[2:4, 3:8]
    address = ctypes.cast(listen, pointer).value
    gemm.call(address, wide, a[2:4], b, part)
    assert told == [
        (101, 111, 112, 2, 5, 4, 1.0, a[2:].ctypes.data, 4, b.ctypes.data, 4, 0.0,
         part.ctypes.data, 9),
    ]  # fmt: skip
    told.clear()
    a, b, out = (drawn(*shape, dtype, turned=0) for shape in ((200, 130), (130, 50), (200, 50)))
    gemm.call(address, wide, a, b, out)
    sizes, betas = ([each[3:6] for each in told], [each[11] for each in told])
    assert sizes == [(128, 50, 128), (128, 50, 2), (72, 50, 128), (72, 50, 2)]
    assert betas == [0.0, 1.0, 0.0, 1.0]
    assert [each[7] for each in told] == [a[i:, k:].ctypes.data for i in (0, 128) for k in (0, 128)]
    assert [each[9] for each in told] == [b[k:].ctypes.data for k in (0, 128)] * 2


@pytest.mark.parametrize(("m", "k", "n", "dtype"), [(700, 300, 90, "f4"), (130, 1000, 999, "f8")])
def test_the_bits_are_the_same_whether_others_are_there_or_not(threads, m, k, n, dtype):
    """BLAS rounds by the size of its matrices: who is alone does the same parts."""
    crew = threads(2)
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(shape).astype(dtype) for shape in ((m, k), (k, n)))
    among_two, alone = np.empty((m, n), dtype), np.empty((m, n), dtype)
    matrices.multiply(a, b, among_two)
    crew.board[board.TAKEN] = 1
    matrices.multiply(a, b, alone)
    np.testing.assert_array_equal(alone, among_two)
    np.testing.assert_allclose(alone, np.float64(a) @ b, rtol=0, atol=1e-4)


@pytest.mark.parametrize("dtype", ROUNDING)
def test_so_are_those_of_two_products(threads, dtype):
    crew = threads(2)
    x, dy, weight = (drawn(*shape, dtype, turned=0) for shape in ((128, 700), (128, 90), (700, 90)))
    made = []
    for taken in (0, 1):
        crew.board[board.TAKEN] = taken
        dx, dweight = np.empty_like(x), np.empty_like(weight)
        matrices.multiply_both((dy, weight.T, dx), (x.T, dy, dweight))
        made.append((dx, dweight))
    for among_two, alone in zip(*made, strict=True):
        np.testing.assert_array_equal(alone, among_two)
