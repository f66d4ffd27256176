"""Matrix products in parts are matrix products."""

import threading

import numpy as np
import pytest

from mlpk import Context
from mlpk.workers import undisturbed
from mlpk_plugins.layers.parts.products import dot, in_pieces, part, product


@pytest.fixture
def one_thread():
    """Keep BLAS in one thread."""
    with undisturbed() as turn:
        turn.hold()
        yield


@pytest.mark.parametrize(
    ("multiply_adds", "rows"),
    [
        (1, 10**6),
        (288 * 32, 104),  # 108.5, in whole eights
        (576 * 64, 24),
        (1152 * 128, None),  # 6.8, for which packing is not worth leaving out
    ],
)
def test_a_part_is_whole_eights_of_rows_within_a_million(multiply_adds, rows):
    assert part(multiply_adds) == rows


def test_few_rows_are_no_part():
    assert part(64 * 64, 240) == 240
    assert part(64 * 64, 241) is None


@pytest.mark.parametrize("rows", [0, 1, 23, 104, 105, 312, 500])
@pytest.mark.parametrize(("k", "n"), [(288, 32), (5, 3), (1152, 128)])
def test_a_product_is_the_sum_of_products(rows, k, n):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, rows, k)), rng.standard_normal((2, k, n))
    out = np.full((rows, 2, n), np.nan).swapaxes(0, 1)  # groups side by side, as in an image
    product(a, b, out)
    np.testing.assert_allclose(out, np.einsum("grk,gkn->grn", a, b), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("rows", [8, 104, 130])
def test_many_products_at_once(rows):
    rng = np.random.default_rng(0)
    # As windows overlap in memory: each row begins where the one before it has its second third.
    memory, b = rng.standard_normal((2, 3, rows + 2, 96)), rng.standard_normal((2, 1, 288, 32))
    a = np.lib.stride_tricks.sliding_window_view(memory.reshape(2, 3, -1), 288, 2)[..., ::96, :]
    out = np.full((2, 3, rows, 32), np.nan)
    product(a, b, out)
    np.testing.assert_allclose(out, np.einsum("gprk,gokn->gprn", a, b), rtol=1e-10, atol=1e-10)


def test_rows_may_lie_apart():
    a, b = np.ones((1, 600, 300)), np.ones((1, 300, 32))
    whole = np.zeros((1, 600, 40))
    product(a, b, whole[..., 4:36])
    assert (whole[..., 4:36] == 300).all()
    assert not whole[..., :4].any()
    assert not whole[..., 36:].any()


@pytest.mark.parametrize(
    "threads", [["one_thread"], ["three_threads"], ["three_threads", "one_thread"]], ids="-".join
)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    "shape", [(3, 4, 2), (784, 128, 100), (64, 4096, 10), (128, 784, 1024), (2048, 256, 100)]
)
def test_a_product_of_two_matrices(threads, turned, shape, request):
    for each in threads:
        request.getfixturevalue(each)
    rows, k, n = shape
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((k, rows)).T, rng.standard_normal((k, n))
    if turned:
        a, b = np.ascontiguousarray(a), np.asfortranarray(b)
    out = np.full((rows, n), np.nan)
    assert dot(Context("float64"), a, b, out) is out
    np.testing.assert_allclose(out, np.einsum("rk,kn->rn", a, b, optimize=True), atol=1e-9)


@pytest.mark.usefixtures("three_threads", "one_thread")
@pytest.mark.parametrize(
    ("shape", "calls"),
    [
        ((512, 256, 512), 3),
        ((64, 1024, 1024), 3),
        ((1024, 64, 1024), 3),
        ((256, 512, 256), 2),
        ((256, 512, 255), 1),
    ],
)
def test_where_blas_is_kept_in_one_thread_large_products_are_shared_out(shape, calls):
    where = []

    class Noting(np.ndarray):
        def __array_ufunc__(self, ufunc, method, *inputs, out):
            where.append(threading.get_ident())
            plain = (each.view(np.ndarray) for each in inputs)
            return getattr(ufunc, method)(*plain, out=out)

    rows, k, n = shape
    a, b = np.ones((rows, k), np.float32).view(Noting), np.ones((k, n), np.float32)
    assert (dot(Context("float32"), a, b, np.zeros((rows, n), np.float32)) == k).all()
    assert len(where) == calls
    assert where.count(threading.get_ident()) == 1


@pytest.mark.parametrize(("rows", "pieces"), [(1, 1), (10, 2), (40, 8), (160, 32), (400, 1)])
def test_a_product_is_cut_into_pieces_of_a_million_multiply_adds(rows, pieces):
    a = np.arange(640.0 * 300).reshape(300, 640).T
    cut = in_pieces(a, rows)
    assert cut.shape == (pieces, 640 // pieces, 300)
    assert np.shares_memory(cut, a)
    assert cut.reshape(640, 300).tolist() == a.tolist()
