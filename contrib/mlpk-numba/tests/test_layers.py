"""Layers, and the loss, at the sizes of real networks: against formulas of NumPy, and the plain."""

import mlpk
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

pytest.importorskip("numba")

from mlpk_numba import average_pool2d, conv2d, max_pool2d


def forward(layer, x, dtype="float64", **fields):
    made = mlpk.layers[layer](**fields)
    model = mlpk.Model([made], input_shape=x.shape[1:], dtype=dtype, seed=0)
    with mlpk.use("mlpk-numba"):
        return model, model.forward(x.astype(dtype), training=True)


def drawn(*shape):
    return np.random.default_rng(0).standard_normal(shape)


@pytest.mark.parametrize("shape", [(37, 5), (8, 3, 3, 32), (600, 100), (2, 1500)])
def test_batch_norm(shape):
    x = 100 + 3 * drawn(*shape)
    axes = tuple(range(x.ndim - 1))
    model, y = forward("batch_norm", x, unbiased_running_var=True)
    wanted = (x - x.mean(axes)) / np.sqrt(x.var(axes) + 1e-5)
    np.testing.assert_allclose(y, wanted, atol=1e-11)
    np.testing.assert_allclose(
        model.buffers["batch_norm/running_var"], 0.9 + 0.1 * x.var(axes, ddof=1), rtol=1e-12
    )
    np.testing.assert_allclose(model.buffers["batch_norm/running_mean"], 0.1 * x.mean(axes))


def test_batch_norm_far_from_zero_keeps_its_digits():
    x = (1e4 + drawn(5000, 32)).astype(np.float32)
    _, y = forward("batch_norm", x, "float32")
    exact = x.astype(np.float64)
    wanted = (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-5)
    assert np.abs(y - wanted).max() < 1e-3


@pytest.mark.parametrize(("filters", "channels"), [(32, 32), (48, 3), (16, 10), (64, 1)])
@pytest.mark.parametrize("padding", ["valid", "same", ((1, 0), (2, 1))])
def test_conv2d(filters, channels, padding):
    x = drawn(3, 9, 11, channels)
    model, y = forward("conv2d", x, filters=filters, kernel_size=(2, 3), padding=padding)
    sides = {"valid": ((0, 0), (0, 0)), "same": ((0, 1), (1, 1))}.get(padding, padding)
    framed = np.pad(x, ((0, 0), *sides, (0, 0)))
    windows = sliding_window_view(framed, (2, 3), axis=(1, 2))
    weight = model.params["conv2d/weight"]
    np.testing.assert_allclose(y, np.einsum("npqcij,ijcf->npqf", windows, weight), atol=1e-12)


@pytest.mark.parametrize(
    "laid",
    [
        lambda x: x[..., 0][..., None],  # the stride of an axis of length 1 is anything
        lambda x: np.moveaxis(np.ascontiguousarray(np.moveaxis(x, -1, 1)), 1, -1),
        lambda x: x[:, ::-1][:, ::-1],
    ],
)
def test_conv2d_of_one_channel_wherever_it_lies(laid):
    x = drawn(4, 10, 10, 1).astype(np.float32)
    model = mlpk.Model([mlpk.layers.conv2d(filters=8, kernel_size=3)], input_shape=(10, 10, 1))
    wanted = np.einsum(
        "npqcij,ijcf->npqf",
        sliding_window_view(x, (3, 3), axis=(1, 2)),
        model.params["conv2d/weight"],
    )
    with mlpk.use("mlpk-numba"):
        np.testing.assert_allclose(model.predict(laid(x)), wanted, atol=1e-5)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_conv2d_of_another_dtype_than_the_network_s(padding):
    conv = mlpk.layers.conv2d(filters=8, kernel_size=3, padding=padding)
    x = drawn(4, 8, 8, 3)
    ctx = mlpk.Context("float32")
    arrays = {"weight": drawn(3, 3, 3, 8).astype("f4"), "bias": np.zeros(8, "f4")}
    grads = {name: np.empty_like(array) for name, array in arrays.items()}
    y, saved = conv2d.forward(conv, arrays, ctx, x)
    dy = drawn(*y.shape)
    dx = conv2d.backward(conv, arrays, ctx, saved, dy, grads)
    plain = mlpk.Context("float32")
    wanted = {name: np.empty_like(array) for name, array in arrays.items()}
    wanted_y, kept = conv.forward(arrays, plain, x.astype("f4"))
    wanted_dx = conv.backward(arrays, plain, kept, dy.astype("f4"), wanted)
    for found, right in ((y, wanted_y), (dx, wanted_dx), *((grads[n], wanted[n]) for n in grads)):
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "size", "stride"),
    [
        ((8, 9, 37), (2, 3), 1),
        ((8, 9, 37), (2, 3), 2),
        ((8, 9, 1), (2, 3), 3),
        ((18, 20, 3), 17, 1),
    ],
)
def test_pools(shape, size, stride):
    x = drawn(2, *shape)
    both = size if isinstance(size, tuple) else (size, size)
    windows = sliding_window_view(x, both, axis=(1, 2))[:, ::stride, ::stride]
    for kind, wanted in (
        ("max_pool2d", windows.max((-1, -2))),
        ("average_pool2d", windows.mean((-1, -2))),
    ):
        _, y = forward(kind, x, kernel_size=size, strides=stride)
        np.testing.assert_allclose(y, wanted, rtol=1e-13)


@pytest.mark.parametrize(
    ("kind", "made"), [("max_pool2d", max_pool2d), ("average_pool2d", average_pool2d)]
)
def test_what_no_window_sees_has_the_gradient_zero(kind, made):
    """Two rows between windows, and one behind the last, in scratch full of nan."""
    x = drawn(2, 8, 5, 3)
    ctx = mlpk.Context("float64", spoil=True)
    layer = mlpk.layers[kind](kernel_size=(2, 1), strides=(4, 2), padding=((1, 0), (0, 0)))
    y, saved = made.forward(layer, {}, ctx, x)
    dx = made.backward(layer, {}, ctx, saved, np.ones_like(y), {})
    assert y.shape == (2, 2, 3, 3)
    np.testing.assert_array_equal(dx[:, [1, 2, 5, 6, 7]], 0)
    np.testing.assert_array_equal(dx[:, :, 1::2], 0)
    np.testing.assert_allclose(dx.sum((1, 2)), 6)


def test_the_gradient_of_a_pool_goes_to_the_first_of_equals():
    x = np.zeros((1, 2, 2, 20))
    model, y = forward("max_pool2d", x, kernel_size=2)
    with mlpk.use("mlpk-numba"):
        dx = model.backward(np.ones_like(y), inputs=True)
    np.testing.assert_array_equal(dx[0, :, :, 7], [[1, 0], [0, 0]])


def test_a_pool_keeps_what_is_no_number():
    x = drawn(1, 4, 4, 16)
    x[0, 1, 2] = np.nan
    x[0, :2, :2] = -np.inf
    _, y = forward("max_pool2d", x, kernel_size=2)
    assert np.isnan(y[0, 0, 1]).all()
    assert (y[0, 0, 0] == -np.inf).all()
    assert np.isfinite(y[0, 1]).all()


def test_relu_keeps_what_is_no_number():
    _, y = forward("relu", np.array([[-1.0, 0.0, 2.0, np.nan, np.inf, -np.inf]]))
    np.testing.assert_array_equal(y, [[0, 0, 2, np.nan, np.inf, 0]])


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("units", [5, 32])
@pytest.mark.parametrize("rows", [6, 70])
def test_lstm(rows, units, masked):
    x, mask = drawn(rows, 7, 4), np.random.default_rng(1).random((rows, 7)) < 0.6
    shapes = [mlpk.Input((7, 4)), mlpk.Input((7,), dtype="bool")][: 1 + masked]
    y = mlpk.layers.lstm(units=units, return_sequences=True)(*shapes)
    model = mlpk.Model(inputs=shapes, outputs=y, dtype="float64", seed=0)
    given = dict(zip(model.graph.inputs, (x, mask), strict=False))
    with mlpk.use("mlpk-numba"):
        found = model.forward(given if masked else x, training=True)
    weight, recurrent, bias = (model.params[f"lstm/{n}"] for n in ("weight", "recurrent", "bias"))
    h = c = np.zeros((rows, units))
    for t in range(7):
        z = x[:, t] @ weight + h @ recurrent + bias
        i, f, g, o = np.split(z, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-each)) for each in (i, f, o))
        there = mask[:, t, None] | (not masked)
        c = np.where(there, f * c + i * np.tanh(g), c)
        h = np.where(there, o * np.tanh(c), h)
        np.testing.assert_allclose(found[:, t], h, atol=1e-13)


@pytest.mark.parametrize("masked", [False, True])
def test_lstm_goes_back_over_many_rows_as_the_plain_one_does(masked):
    rng = np.random.default_rng(0)
    x, mask, dy = drawn(70, 7, 4), rng.random((70, 7)) < 0.6, rng.standard_normal((70, 7, 20))
    shapes = [mlpk.Input((7, 4)), mlpk.Input((7,), dtype="bool")][: 1 + masked]
    y = mlpk.layers.lstm(units=20, return_sequences=True)(*shapes)
    model = mlpk.Model(inputs=shapes, outputs=y, dtype="float64", seed=0)
    given = dict(zip(model.graph.inputs, (x, mask), strict=False))
    found = []
    for implementation in ("mlpk-numba", "numpy"):
        with mlpk.use(implementation):
            model.forward(given if masked else x, training=True)
            dinput = model.backward(dy, inputs=True)
        dx = next(iter(dinput.values())) if masked else dinput
        found.append([dx, *(grad.copy() for grad in model.grads.values())])
    for faster, plain in zip(*found, strict=True):
        np.testing.assert_allclose(faster, plain, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("classes", [2, 10, 1000])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_softmax_cross_entropy(classes, smoothing):
    rng = np.random.default_rng(0)
    z, labels, w = drawn(9, classes), rng.integers(0, classes, 9), rng.random(9)
    w[2] = 0
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    t = np.eye(classes)[labels] * (1 - smoothing) + smoothing / classes
    from mlpk_numba.softmax_cross_entropy import backward, forward

    loss = mlpk.losses.softmax_cross_entropy(label_smoothing=smoothing)
    ctx = mlpk.Context("float64")
    value, saved = forward(loss, ctx, z, labels, w)
    assert value == pytest.approx(-(w[:, None] * t * np.log(p)).sum() / w.sum(), rel=1e-12)
    wanted = (p - t) * w[:, None] / w.sum()
    np.testing.assert_allclose(backward(loss, ctx, saved), wanted, atol=1e-15)


def test_a_masked_class_counts_nothing_and_a_wrong_one_without_end():
    from mlpk_numba.softmax_cross_entropy import backward, forward

    loss, ctx = mlpk.losses.softmax_cross_entropy(), mlpk.Context("float64")
    z = np.array([[0.0, -np.inf, 0.0], [1.0, 2.0, 3.0]])
    value, saved = forward(loss, ctx, z, np.array([0, 2]), None)
    assert value == pytest.approx((np.log(2) - np.log(np.exp(3) / np.exp([1, 2, 3]).sum())) / 2)
    assert backward(loss, ctx, saved)[0] == pytest.approx([-0.25, 0, 0.25])
    assert forward(loss, ctx, z, np.array([1, 2]), None)[0] == np.inf
    assert forward(loss, ctx, z, np.array([1, 2]), np.array([0.0, 1.0]))[0] < 1


def test_what_is_no_label_is_left_to_the_loss_itself():
    from mlpk_numba.softmax_cross_entropy import backward, forward

    loss, z = mlpk.losses.softmax_cross_entropy(), drawn(2, 3)
    soft = np.array([[0.2, 0.3, 0.5], [1, 0, 0]])
    value, saved = forward(loss, ctx := mlpk.Context("float64"), z, soft, None)
    wanted, kept = loss.forward(other := mlpk.Context("float64"), z, soft, None)
    assert value == wanted
    np.testing.assert_array_equal(backward(loss, ctx, saved), loss.backward(other, kept))
    with pytest.raises(mlpk.DataError, match="label 3 in row 1"):
        forward(loss, mlpk.Context("float64"), z, np.array([0, 3]), None)
    value, _ = forward(loss, mlpk.Context("float64"), z, np.array([0, 2], ">i4"), None)
    assert value == loss.forward(mlpk.Context("float64"), z, np.array([0, 2]), None)[0]
