"""Pools, against plain loops over windows."""

from itertools import product

import numpy as np
import pytest

from mlpk import ConfigError, ShapeError, blas
from mlpk_plugins.layers.average_pool1d import AveragePool1D
from mlpk_plugins.layers.average_pool2d import AveragePool2D
from mlpk_plugins.layers.global_average_pool1d import GlobalAveragePool1D
from mlpk_plugins.layers.global_average_pool2d import GlobalAveragePool2D
from mlpk_plugins.layers.global_max_pool1d import GlobalMaxPool1D
from mlpk_plugins.layers.global_max_pool2d import GlobalMaxPool2D
from mlpk_plugins.layers.max_pool1d import MaxPool1D
from mlpk_plugins.layers.max_pool2d import MaxPool2D
from mlpk_plugins.layers.parts import grid


def drawn(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


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
def test_max_pool2d_window_by_window(fields, x, y, size, strides, start, alone):
    # Few values, so that equals are frequent.
    run = alone(MaxPool2D(**fields), np.random.default_rng(0).integers(-3, 0, (2, *x)) * 1.0)
    dy = drawn(2, *y, seed=1)
    assert run.declaration.output == y
    wanted, dx = max_by_loops(*run.inputs, dy, size, strides, start)
    assert np.array_equal(run.forward(), wanted)
    np.testing.assert_allclose(run.backward(dy)[0], dx, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("count_pads", [False, True])
@pytest.mark.parametrize(("fields", "x", "y", "size", "strides", "start"), WINDOWS, ids=repr)
def test_average_pool2d_window_by_window(fields, x, y, size, strides, start, count_pads, alone):
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
def test_pools_of_sequences_window_by_window(fields, steps, windows, size, stride, before, alone):
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


GLOBAL = [
    (GlobalMaxPool2D(), (5, 4, 3), "max"),
    (GlobalMaxPool1D(), (7, 3), "max"),
    (GlobalAveragePool2D(), (5, 4, 3), "mean"),
    (GlobalAveragePool1D(), (7, 3), "mean"),
]


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


@pytest.mark.parametrize(("layer", "shape", "how"), GLOBAL, ids=repr)
def test_global_pools_channel_by_channel(layer, shape, how, alone):
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


def with_masks(shape=(6, 7, 3)):
    """Return sequences and a mask: some steps of each row there, of the last but one none, all."""
    rng = np.random.default_rng(0)
    x, mask = rng.integers(-6, 0, shape) * 1.0, rng.random(shape[:2]) < 0.6
    mask[-2], mask[-1] = False, True
    return x, mask


@pytest.mark.parametrize("layer", [GlobalAveragePool1D(), GlobalMaxPool1D()], ids=repr)
@pytest.mark.parametrize("rubbish", [np.nan, np.inf, 9.0])
def test_a_masked_step_is_one_that_is_not_there(layer, rubbish, alone):
    x, mask = with_masks()
    x[~mask] = rubbish
    run, dy = alone(layer, x, mask), drawn(6, 3, seed=1)
    y = run.forward().copy()
    dx, dmask = run.backward(dy)
    assert dmask is None
    assert not dx[~mask].any()
    assert not y[4].any()
    for row in (0, 1, 2, 3, 5):
        short = alone(layer, x[row : row + 1, mask[row]])
        np.testing.assert_allclose(y[row], short.forward()[0], rtol=1e-15)
        (dshort,) = short.backward(dy[row : row + 1])
        np.testing.assert_allclose(dx[row, mask[row]], dshort[0], rtol=1e-15)


@pytest.mark.parametrize("layer", [GlobalAveragePool1D(), GlobalMaxPool1D()], ids=repr)
def test_masked_pools_by_hand(layer, alone):
    x = np.array([[[1.0], [5.0], [3.0], [5.0]], [[-7.0], [-2.0], [4.0], [4.0]]])
    mask = np.array([[True, True, False, True], [True, True, False, False]])
    run = alone(layer, x, mask)
    y, (dx, _) = run.forward(), run.backward(np.array([[6.0], [10.0]]))
    if layer.kind == "global_max_pool1d":
        assert y.tolist() == [[5], [-2]]
        assert dx[..., 0].tolist() == [[0, 6, 0, 0], [0, 10, 0, 0]]
    else:
        assert y.tolist() == [[11 / 3], [-4.5]]
        assert dx[..., 0].tolist() == [[2, 2, 0, 2], [5, 5, 0, 0]]


@pytest.mark.parametrize("layer", [GlobalAveragePool1D(), GlobalMaxPool1D()], ids=repr)
def test_masked_pools_are_sums_and_maxima_of_numpy(layer, alone):
    """Over many pieces, in float32; the gradient is none where nobody reads it."""
    x, mask = with_masks((40, 90, 80))
    x = x + drawn(*x.shape, seed=2)
    x, there = x.astype(np.float32), mask[..., None]
    run, dy = alone(layer, x, mask), drawn(40, 80, seed=1, dtype=np.float32)
    y, (dx, _) = run.forward(), run.backward(dy)
    assert y.dtype == dx.dtype == np.float32
    count = np.maximum(mask.sum(1), 1)[:, None]
    if layer.kind == "global_max_pool1d":
        wanted = np.where(mask.any(1)[:, None], np.where(there, x, -np.inf).max(1), 0)
        slopes = ((x == wanted[:, None]) & there) * dy[:, None]
    else:
        wanted, slopes = (x * there).sum(1) / count, there * (dy / count)[:, None]
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(dx, slopes, rtol=1e-5)
    unread = alone(layer, x, mask, needs=(False, False))
    unread.forward()
    assert unread.backward(dy) == (None, None)


@pytest.mark.parametrize("layer", [GlobalAveragePool1D(), GlobalMaxPool1D()], ids=repr)
def test_no_steps_under_a_mask_give_zero(layer, alone):
    run = alone(layer, np.zeros((2, 0, 3)), np.zeros((2, 0), bool))
    assert run.forward().tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("layer", [GlobalAveragePool1D(), GlobalMaxPool1D()], ids=repr)
def test_masks_that_do_not_fit_are_refused(layer, alone):
    for mask in ((4,), (5, 1)):
        with pytest.raises(ShapeError, match=r"wanted a mask of shape \(5,\)"):
            layer.declare((5, 3), mask)
    assert layer.declare((5, 3), (None,)).output == layer.declare((None, 3), (5,)).output == (3,)
    run = alone(layer, np.zeros((2, 5, 3)), np.ones((2, 5), bool))
    run.inputs = (run.inputs[0], np.ones((2, 4), bool))
    with pytest.raises(ShapeError, match=r"wanted a mask of shape \(2, 5\), found \(2, 4\)"):
        run.forward()
    assert layer.takes == ("real", "bool")


@pytest.mark.parametrize("layer", [GlobalAveragePool1D(), GlobalMaxPool1D()], ids=repr)
def test_masked_pools_allocate_nothing_that_grows_with_the_batch(layer, alone, peak):
    x, mask = with_masks((256, 256, 32))
    run = alone(layer, x.astype(np.float32), mask)
    dy = drawn(256, 32, seed=1, dtype=np.float32)

    def both_ways():
        run.forward()
        run.backward(dy)

    assert run.inputs[0].nbytes == 2**23
    assert peak(both_ways) < 2**18  # NumPy's own buffers


def test_the_largest_of_many_pieces(alone):
    x, dy = drawn(9, 90, 80, 8), drawn(9, 8, seed=1)
    run = alone(GlobalMaxPool2D(), x)
    assert np.array_equal(run.forward(), x.max((1, 2)))
    wanted = (x == x.max((1, 2), keepdims=True)) * dy[:, None, None]
    assert np.array_equal(run.backward(dy)[0], wanted)


REAL = [
    (AveragePool2D(3, strides=2, padding="same"), (40, 40, 8)),
    (AveragePool2D(2), (120, 100, 16)),
    (AveragePool1D(5, strides=2, padding=2), (3000, 16)),
    (GlobalAveragePool2D(), (30, 20, 16)),
]


@pytest.mark.parametrize(("layer", "shape"), REAL, ids=repr)
def test_backward_is_adjoint_at_a_real_size(layer, shape, alone):
    run = alone(layer, drawn(5, *shape))
    y = run.forward()
    dy = drawn(*y.shape, seed=1)
    (dx,) = run.backward(dy)
    assert np.vdot(run.inputs[0], dx) == pytest.approx(np.vdot(y, dy), rel=1e-10)


POOLS = [
    MaxPool2D(2),
    MaxPool2D(3, strides=2, padding="same"),
    AveragePool2D(2),
    AveragePool2D(3, strides=2, padding="same"),
    GlobalMaxPool2D(),
    GlobalAveragePool2D(),
]


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("layer", [POOLS[0], POOLS[1], POOLS[3]], ids=repr)
def test_threads_change_nothing(layer, alone, monkeypatch):
    monkeypatch.setattr(grid, "PIECE", 2**14)
    run, plain = (alone(layer, drawn(8, 17, 16, 6)) for _ in range(2))
    y, dy = run.forward().copy(), drawn(*run.forward().shape, seed=1)
    (dx,) = run.backward(dy)
    assert any(name.startswith("lane 2/") for name in run.ctx._memory)  # all three were at it
    monkeypatch.setattr(blas, "threads", lambda: 1)
    np.testing.assert_array_equal(plain.forward(), y)
    np.testing.assert_array_equal(plain.backward(dy)[0], dx)


@pytest.mark.parametrize("layer", POOLS, ids=repr)
def test_layout_of_memory_does_not_matter(layer, alone):
    x = drawn(3, 4, 7, 6).transpose(0, 3, 2, 1)
    run, straight = alone(layer, x), alone(layer, np.ascontiguousarray(x))
    np.testing.assert_allclose(run.forward(), straight.forward(), rtol=1e-14)
    dy = drawn(*straight.forward().shape[::-1], seed=1).T
    dy.flags.writeable = False
    assert np.array_equal(run.backward(dy)[0], straight.backward(np.ascontiguousarray(dy))[0])


@pytest.mark.parametrize("layer", POOLS, ids=repr)
def test_steady_state_allocates_nothing_that_grows_with_the_batch(layer, alone, peak):
    run = alone(layer, drawn(256, 32, 32, 8, dtype=np.float32))
    dy = drawn(*run.forward().shape, seed=1, dtype=np.float32)

    def both_ways():
        run.forward()
        run.backward(dy)

    assert run.inputs[0].nbytes == 2**23
    assert peak(both_ways) < 2**18  # NumPy's own buffers


@pytest.mark.parametrize(
    ("layer", "shape", "output"),
    [
        (MaxPool2D(2), (None, 7, 1), (None, 3, 1)),
        (AveragePool2D(2, padding="same"), (7, None, 1), (4, None, 1)),
        (MaxPool1D(2), (None, 2), (None, 2)),
        (AveragePool1D(2), (None, 2), (None, 2)),
        (GlobalMaxPool2D(), (None, None, 2), (2,)),
        (GlobalAveragePool1D(), (None, 2), (2,)),
    ],
    ids=repr,
)
def test_unknown_lengths(layer, shape, output):
    assert layer.declare(shape).output == output


@pytest.mark.parametrize(
    ("layer", "shape", "said"),
    [
        (MaxPool2D(3), (2, 7, 1), "a window of 3 on 2 "),
        (AveragePool2D((2, 5)), (7, 4, 1), "a window of 5 on 4 "),
        (MaxPool1D(4), (3, 1), "a window of 4 on 3 "),
        (AveragePool1D(4, padding=1), (1, 1), "a window of 4 on 3 "),
        (MaxPool2D(2), (7, 7), "found a shape (7, 7)"),
        (AveragePool1D(2), (7, 7, 1), "found a shape (7, 7, 1)"),
        (GlobalMaxPool2D(), (7,), "found a shape (7,)"),
        (GlobalMaxPool1D(), (7, 7, 1), "found a shape (7, 7, 1)"),
        (GlobalAveragePool2D(), (7, 1), "found a shape (7, 1)"),
        (GlobalAveragePool1D(), (7,), "found a shape (7,)"),
    ],
    ids=repr,
)
def test_wrong_shapes_are_refused(layer, shape, said):
    with pytest.raises(ShapeError) as caught:
        layer.declare(shape)
    assert said in str(caught.value)


@pytest.mark.parametrize("cls", [MaxPool1D, MaxPool2D, AveragePool1D, AveragePool2D])
@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"kernel_size": 0}, "kernel_size"),
        ({"kernel_size": 2, "strides": 0}, "strides"),
        ({"kernel_size": 2, "padding": -1}, "padding"),
        ({"kernel_size": 2, "padding": 2}, "padding"),
        ({"kernel_size": 2, "padding": (0, 2)}, "padding"),
        ({"kernel_size": 2, "padding": "full"}, "padding"),
    ],
)
def test_wrong_fields_are_refused(cls, fields, where):
    with pytest.raises(ConfigError) as caught:
        cls(**fields)
    assert f"{cls.kind}.{where}" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "shape", "sentence"),
    [
        (MaxPool2D, (8, 4, 2), r"on 4 \(width 4 and padding 0\); take a smaller .* padding$"),
        (MaxPool2D, (4, 8, 2), r"on 4 \(height 4 .*Channels come last: is 4 their number\?"),
        (MaxPool2D, (3, 32, 32), r"on 3 \(height 3 .*their number\? .* np.moveaxis\(x, 1, -1\)$"),
        (MaxPool1D, (4, 8), r"on 4 \(steps 4 and padding 0\); take a smaller .* padding$"),
    ],
)
def test_a_window_that_is_too_large_names_the_axis(kind, shape, sentence):
    with pytest.raises(ShapeError, match=sentence):
        kind(kernel_size=5).declare(shape)
