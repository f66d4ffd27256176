"""Convolution by tiles: against windows as einsum sees them, on images of every size."""

import mlpk
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

pytest.importorskip("numba")

from numba import njit

from mlpk_numba import conv2d, direct, winograd
from mlpk_numba.prefetch import prefetch_to_read, prefetch_to_write
from mlpk_numba.sandwich import sandwich
from mlpk_numba.tile import VECTOR_BYTES

ROUNDING = {"float32": 1e-5, "float64": 1e-13}
SAME = ((1, 1), (1, 1))


def lanes(dtype):
    return VECTOR_BYTES // np.dtype(dtype).itemsize


def drawn(*shape, dtype="float64", seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def windows(x, sides):
    framed = np.pad(x.astype("float64"), ((0, 0), *sides, (0, 0)))
    return sliding_window_view(framed, (3, 3), axis=(1, 2))


def convolved(x, kernel, bias, sides=SAME):
    wanted = np.einsum("npqcij,ijcf->npqf", windows(x, sides), kernel) + bias
    y = np.full(wanted.shape, np.nan, x.dtype)
    finite = winograd.convolve(mlpk.Context(x.dtype, spoil=True), x, sides, kernel, bias, y)
    assert finite == np.isfinite(y).all()
    return y, wanted


@pytest.mark.parametrize("dtype", ROUNDING)
@given(
    n=st.integers(1, 3),
    height=st.integers(1, 9),
    width=st.integers(1, 40),
    sides=st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * 2),
    vectors=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_values_and_the_gradient_of_the_kernel(dtype, n, height, width, sides, vectors, seed):
    rows, columns = height + sum(sides[0]) - 2, width + sum(sides[1]) - 2
    assume(rows > 0 and columns > 0)
    channels, filters = (count * lanes(dtype) for count in vectors)
    x = drawn(n, height, width, channels, dtype=dtype, seed=seed)
    kernel, bias = drawn(3, 3, channels, filters, dtype=dtype), drawn(filters, dtype=dtype)
    y, wanted = convolved(x, kernel, bias, sides)
    np.testing.assert_allclose(y, wanted, rtol=0, atol=ROUNDING[dtype] * channels)

    dy = drawn(*y.shape, dtype=dtype, seed=seed + 1)
    dkernel = np.full_like(kernel, np.nan)
    ctx = mlpk.Context(dtype, spoil=True)
    assert winograd.kernel_gradient(ctx, x, sides, dy, dkernel)
    wanted = np.einsum("npqcij,npqf->ijcf", windows(x, sides), dy)
    np.testing.assert_allclose(dkernel, wanted, rtol=0, atol=ROUNDING[dtype] * dy[..., 0].size)


@pytest.mark.parametrize(("n", "channels"), [(1, 192), (3, 192), (20, 32)])
def test_the_gradient_of_a_kernel_in_groups_of_channels_and_blocks_of_images(n, channels):
    x, dy = drawn(n, 5, 4, channels), drawn(n, 5, 4, 32, seed=1)
    dkernel = np.full((3, 3, channels, 32), np.nan)
    assert winograd.kernel_gradient(mlpk.Context("float64", spoil=True), x, SAME, dy, dkernel)
    wanted = np.einsum("npqcij,npqf->ijcf", windows(x, SAME), dy)
    np.testing.assert_allclose(dkernel, wanted, rtol=0, atol=1e-11)


@pytest.fixture
def both_ways():
    """Return a function that convolves forward and back, and returns y, dx and the gradients."""

    def go(x, dy, kernel, bias, padding):
        layer = mlpk.layers.conv2d(filters=len(bias), kernel_size=3, padding=padding)
        arrays, ctx = {"weight": kernel, "bias": bias}, mlpk.Context("float32", spoil=True)
        grads = {name: np.full_like(array, np.nan) for name, array in arrays.items()}
        with np.errstate(all="ignore"):
            y, saved = conv2d.forward(layer, arrays, ctx, x)
            y = y.copy()
            dx = conv2d.backward(layer, arrays, ctx, saved, dy, grads)
            plain = layer.forward(arrays, mlpk.Context("float32"), x)[0]
        return y, dx, grads["weight"], grads["bias"], plain

    return go


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("where", ["x", "kernel", "bias", "dy"])
def test_what_is_no_number_comes_out_where_it_does_of_windows(both_ways, where, value):
    """Of a number near the largest of its dtype, sums of four are infinite where windows are not.

    The image has several strips, and more zeros on one side than on the other.
    """
    depth = max(32, lanes("float32"))
    sides = ((2, 0), (0, 1))
    x = drawn(2, 19, 40, depth, dtype="float32")
    dy = drawn(2, 19, 39, depth, dtype="float32", seed=1)
    kernel = np.abs(drawn(3, 3, depth, depth, dtype="float32")) / 10 + np.float32(0.01)
    bias = drawn(depth, dtype="float32", seed=2)
    places = {"x": (1, 13, 17, 2), "kernel": (2, 0, 5, 3), "bias": (7,), "dy": (0, 18, 0, 4)}
    {"x": x, "kernel": kernel, "bias": bias, "dy": dy}[where][places[where]] = value
    y, dx, dkernel, dbias, plain = both_ways(x, dy, kernel, bias, sides)
    with np.errstate(all="ignore"):
        seen = windows(x, sides)
        wanted = (np.einsum("npqcij,ijcf->npqf", seen, kernel) + bias).astype("float32")
        wanted_dkernel = np.einsum("npqcij,npqf->ijcf", seen, dy).astype("float32")
        turned = kernel[::-1, ::-1].swapaxes(2, 3)
        wanted_dx = np.einsum("npqcij,ijcf->npqf", windows(dy, ((0, 2), (2, 1))), turned)
        wanted_dx = wanted_dx.astype("float32")
    np.testing.assert_array_equal(np.isfinite(y), np.isfinite(plain))
    np.testing.assert_allclose(y, wanted, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(dx, wanted_dx, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(dkernel, wanted_dkernel, rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(dbias, dy.sum((0, 1, 2), dtype="float64"), rtol=1e-4, atol=1e-3)


def test_the_same_bits_whatever_the_threads(threads):
    x, dy = (drawn(20, 12, 12, 32, dtype="float32", seed=seed) for seed in (0, 1))
    kernel, bias = drawn(3, 3, 32, 32, dtype="float32"), drawn(32, dtype="float32")
    found = []
    for count in (1, 2, 3):
        threads(count)
        y, dkernel = np.empty_like(dy), np.empty_like(kernel)
        winograd.convolve(mlpk.Context("float32"), x, SAME, kernel, bias, y)
        winograd.kernel_gradient(mlpk.Context("float32"), x, SAME, dy, dkernel)
        found.append((y, dkernel))
    for y, dkernel in found[1:]:
        np.testing.assert_array_equal(y, found[0][0])
        np.testing.assert_array_equal(dkernel, found[0][1])


def test_its_rounding_is_that_of_sums_over_windows():
    """Half a million products in float32: no more than twice as far from the truth as directly."""
    x = 5 + drawn(2, 16, 16, 64, dtype="float32")
    kernel, bias = drawn(3, 3, 64, 32, dtype="float32"), np.zeros(32, "float32")
    y, wanted = convolved(x, kernel, bias, ((0, 0), (0, 0)))
    directly = np.empty_like(y)
    direct.convolve(x, mlpk.arrays.frozen_view(kernel), bias, directly)
    off, off_directly = (np.sqrt(np.mean((each - wanted) ** 2)) for each in (y, directly))
    assert off < 2 * off_directly


@pytest.mark.parametrize(
    ("shape", "y", "fit"),
    [
        ((3, 3, 32, 32), (1, 2, 2, 32), True),
        ((3, 3, 16, 64), (1, 8, 8, 64), True),
        ((3, 3, 512, 512), (1, 8, 8, 512), True),
        ((3, 3, 16, 32), (1, 8, 8, 32), False),  # too little to spare
        ((3, 3, 34, 32), (1, 8, 8, 32), False),  # vectors and a rest
        ((3, 1, 32, 32), (1, 8, 8, 32), False),
        ((5, 5, 32, 32), (1, 8, 8, 32), False),
        ((3, 3, 32, 32), (1, 1, 8, 32), False),  # half of each tile
        ((3, 3, 32, 32), (1, 8, 1, 32), False),
    ],
)
def test_which_kernels_fit(shape, y, fit):
    assert winograd.fits(np.empty(shape, "float32"), y) is fit


def test_no_images_have_the_gradient_zero():
    x, dkernel = np.empty((0, 6, 6, 32), "float32"), np.full((3, 3, 32, 32), np.nan, "float32")
    assert winograd.kernel_gradient(mlpk.Context("float32", spoil=True), x, SAME, x, dkernel)
    assert not dkernel.any()


def test_a_sandwich_is_the_matrix_on_both_sides():
    matrix = ((1, 0, -1), (0.5, -0.5, 2.0))
    depth = lanes("float64")
    x, y = drawn(2, 3, 3, 2 * depth), np.full((2, 2, 1, 2 * depth), np.nan)
    apply = sandwich(matrix, 1, 0)
    njit(lambda x, y: apply(x, (1, 0, 0, depth), y, (0, 0, 0, 0)))(x, y)
    wanted = np.einsum("ia,abc,jb->ijc", matrix, x[1, :, :, depth:], matrix)
    np.testing.assert_allclose(y[:, :, 0, :depth], wanted, rtol=1e-13)
    assert np.isnan(y[..., depth:]).all()


def test_memory_that_is_nobody_s_is_asked_for_in_vain():
    x = np.zeros((2, 2), "float32")

    def ask(x):
        for far in (-(2**62), -1, 2, 2**62):
            prefetch_to_read(x, (0, far))
            prefetch_to_write(x, (far, 1))

    njit(ask)(x)
    assert not x.any()
