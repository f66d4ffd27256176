"""Pools, against plain loops over windows, and by hand."""

from itertools import product

import numpy as np
import pytest

from mlpk_plugins.layers.average_pool1d import AveragePool1D
from mlpk_plugins.layers.average_pool2d import AveragePool2D
from mlpk_plugins.layers.global_average_pool1d import GlobalAveragePool1D
from mlpk_plugins.layers.global_average_pool2d import GlobalAveragePool2D
from mlpk_plugins.layers.global_max_pool1d import GlobalMaxPool1D
from mlpk_plugins.layers.global_max_pool2d import GlobalMaxPool2D
from mlpk_plugins.layers.max_pool1d import MaxPool1D
from mlpk_plugins.layers.max_pool2d import MaxPool2D


def places(x_shape, p, q, size, strides, start):
    """Return the places of a window that lie on the image, row by row."""
    return [
        (row, column)
        for row, column in product(
            range(p * strides[0] - start[0], p * strides[0] - start[0] + size[0]),
            range(q * strides[1] - start[1], q * strides[1] - start[1] + size[1]),
        )
        if 0 <= row < x_shape[1] and 0 <= column < x_shape[2]
    ]


def max_by_loops(x, dy, size, strides, start):
    y, dx = np.empty_like(dy), np.zeros_like(x)
    for n, p, q, c in np.ndindex(dy.shape):
        inside = places(x.shape, p, q, size, strides, start)
        best = max(inside, key=lambda place: x[n, *place, c])  # the first of equals
        y[n, p, q, c] = x[n, *best, c]
        dx[n, *best, c] += dy[n, p, q, c]
    return y, dx


def mean_by_loops(x, dy, size, strides, start, *, count_pads=False):
    y, dx = np.empty_like(dy), np.zeros_like(x)
    for p, q in np.ndindex(dy.shape[1:3]):
        inside = places(x.shape, p, q, size, strides, start)
        count = size[0] * size[1] if count_pads else len(inside)
        y[:, p, q] = sum(x[:, row, column] for row, column in inside) / count
        for row, column in inside:
            dx[:, row, column] += dy[:, p, q] / count
    return y, dx


WINDOWS = [
    # fields, input, output; size, strides, padding in front
    ({"kernel_size": 2}, (4, 6, 2), (2, 3, 2), (2, 2), (2, 2), (0, 0)),
    ({"kernel_size": 2}, (5, 5, 2), (2, 2, 2), (2, 2), (2, 2), (0, 0)),  # the last are left over
    ({"kernel_size": (2, 3), "strides": 1}, (4, 5, 2), (3, 3, 2), (2, 3), (1, 1), (0, 0)),
    ({"kernel_size": 3, "strides": 2, "padding": "same"}, (4, 5, 2), (2, 3, 2), (3, 3), (2, 2), (0, 1)),
    ({"kernel_size": 2, "padding": "same"}, (3, 4, 1), (2, 2, 1), (2, 2), (2, 2), (0, 0)),
    ({"kernel_size": 3, "strides": (1, 2), "padding": 2}, (3, 4, 2), (5, 3, 2), (3, 3), (1, 2), (2, 2)),
    ({"kernel_size": (3, 2), "strides": 1, "padding": ((0, 2), (1, 0))}, (3, 3, 1), (3, 3, 1), (3, 2), (1, 1), (0, 1)),
    ({"kernel_size": 1, "strides": 2, "padding": "same"}, (3, 4, 1), (2, 2, 1), (1, 1), (2, 2), (0, 0)),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "x", "y", "size", "strides", "start"), WINDOWS, ids=repr)
def test_max_pool2d_window_by_window(fields, x, y, size, strides, start, alone, drawn):
    # Few values, so that equals are frequent.
    run = alone(MaxPool2D(**fields), np.random.default_rng(0).integers(-3, 0, (2, *x)) * 1.0)
    dy = drawn(2, *y, seed=1)
    assert run.declaration.output == y
    wanted, dx = max_by_loops(*run.inputs, dy, size, strides, start)
    assert np.array_equal(run.forward(), wanted)
    np.testing.assert_allclose(run.backward(dy)[0], dx, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("count_pads", [False, True])
@pytest.mark.parametrize(("fields", "x", "y", "size", "strides", "start"), WINDOWS, ids=repr)
def test_average_pool2d_window_by_window(
    fields, x, y, size, strides, start, count_pads, alone, drawn
):
    run = alone(AveragePool2D(**fields, count_include_pad=count_pads), drawn(2, *x))
    dy = drawn(2, *y, seed=1)
    assert run.declaration.output == y
    wanted, dx = mean_by_loops(*run.inputs, dy, size, strides, start, count_pads=count_pads)
    np.testing.assert_allclose(run.forward(), wanted, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(run.backward(dy)[0], dx, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("fields", "steps", "windows", "size", "stride", "before"),
    [
        ({"kernel_size": 2}, 5, 2, 2, 2, 0),
        ({"kernel_size": 3, "strides": 2, "padding": "same"}, 4, 2, 3, 2, 0),
        ({"kernel_size": 3, "strides": 1, "padding": (2, 0)}, 4, 4, 3, 1, 2),
        ({"kernel_size": 3, "strides": 2, "padding": 1}, 6, 3, 3, 2, 1),
    ],
)
def test_pools_of_sequences_window_by_window(
    fields, steps, windows, size, stride, before, alone, drawn
):
    x, dy = drawn(2, steps, 3), drawn(2, windows, 3, seed=1)
    as_image = (x[:, :, None], dy[:, :, None], (size, 1), (stride, 1), (before, 0))
    for layer, (y, dx) in (
        (MaxPool1D(**fields), max_by_loops(*as_image)),
        (AveragePool1D(**fields), mean_by_loops(*as_image)),
        (AveragePool1D(**fields, count_include_pad=True), mean_by_loops(*as_image, count_pads=True)),
    ):  # fmt: skip
        run = alone(layer, x)
        assert run.declaration.output == (windows, 3)
        np.testing.assert_allclose(run.forward(), y[:, :, 0], rtol=1e-12)
        np.testing.assert_allclose(run.backward(dy)[0], dx[:, :, 0], rtol=1e-12, atol=1e-14)


def test_pools_by_hand(alone):
    x = np.array([[1.0, 2, 5], [3, 4, 0], [7, 7, 6]]).reshape(1, 3, 3, 1)
    dy = np.array([[1.0, 10], [100, 1000]]).reshape(1, 2, 2, 1)
    run = alone(MaxPool2D(2, padding="same"), x)
    assert run.forward()[0, :, :, 0].tolist() == [[4, 5], [7, 6]]
    (dx,) = run.backward(dy)
    assert dx[0, :, :, 0].tolist() == [[0, 0, 10], [0, 1, 0], [100, 0, 1000]]
    run = alone(AveragePool2D(2, padding="same"), x)
    assert run.forward()[0, :, :, 0].tolist() == [[2.5, 2.5], [7, 6]]
    (dx,) = run.backward(dy)
    assert dx[0, :, :, 0].tolist() == [[0.25, 0.25, 5], [0.25, 0.25, 5], [50, 50, 1000]]
    run = alone(AveragePool2D(2, padding="same", count_include_pad=True), x)
    assert run.forward()[0, :, :, 0].tolist() == [[2.5, 1.25], [3.5, 1.5]]


def test_padding_is_never_the_largest(alone):
    run = alone(MaxPool2D(3, strides=1, padding="same"), np.full((1, 2, 2, 1), -5.0))
    assert (run.forward() == -5).all()
    assert run.backward(np.ones((1, 2, 2, 1)))[0].sum() == 4  # nor does it take gradient


def test_the_gradient_never_goes_to_the_padding(alone):
    """A window that holds -inf alone has its first place as the largest, not the padding before."""
    x = np.full((1, 4, 1), -np.inf)
    run = alone(MaxPool1D(kernel_size=3, strides=2, padding=1), x)
    assert run.forward().tolist() == [[[-np.inf], [-np.inf]]]
    (dx,) = run.backward(np.array([[[2.0], [3.0]]]))
    assert dx[0, :, 0].tolist() == [2, 3, 0, 0]
    run = alone(MaxPool2D(kernel_size=2, strides=2, padding=1), x.reshape(1, 2, 2, 1))
    assert (run.forward() == -np.inf).all()
    (dx,) = run.backward(np.array([[[[1.0], [2.0]], [[3.0], [4.0]]]]))
    assert dx[0, ..., 0].tolist() == [[1, 2], [3, 4]]


GLOBAL = [
    (GlobalMaxPool2D(), (5, 4, 3), "max"),
    (GlobalMaxPool1D(), (7, 3), "max"),
    (GlobalAveragePool2D(), (5, 4, 3), "mean"),
    (GlobalAveragePool1D(), (7, 3), "mean"),
]


@pytest.mark.parametrize(("layer", "shape", "how"), GLOBAL, ids=repr)
def test_global_pools_channel_by_channel(layer, shape, how, alone, drawn):
    x = np.random.default_rng(0).integers(0, 6, (4, *shape)) * 1.0
    run, dy = alone(layer, x), drawn(4, 3, seed=1)
    assert run.declaration.output == (3,)
    y = run.forward().copy()
    (dx,) = run.backward(dy)
    assert dx.shape == x.shape
    for n, c in np.ndindex(4, 3):
        values, slopes = x[n, ..., c].ravel(), dx[n, ..., c].ravel()
        if how == "max":
            first = values.tolist().index(max(values))
            wanted = [dy[n, c] * (place == first) for place in range(len(values))]
            assert y[n, c] == max(values)
        else:
            wanted = [dy[n, c] / len(values)] * len(values)
            assert y[n, c] == pytest.approx(sum(values) / len(values), rel=1e-14)
        np.testing.assert_allclose(slopes, wanted, rtol=1e-14)


def test_the_largest_of_many_pieces(alone, drawn):
    x, dy = drawn(9, 90, 80, 8), drawn(9, 8, seed=1)
    run = alone(GlobalMaxPool2D(), x)
    assert np.array_equal(run.forward(), x.max((1, 2)))
    wanted = (x == x.max((1, 2), keepdims=True)) * dy[:, None, None]
    assert np.array_equal(run.backward(dy)[0], wanted)
