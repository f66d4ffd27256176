"""Zero padding, cropping and upsampling of images."""

import numpy as np
import pytest

from mlpk import ConfigError, ShapeError
from mlpk_plugins.layers.cropping2d import Cropping2D
from mlpk_plugins.layers.upsampling2d import Upsampling2D
from mlpk_plugins.layers.zero_padding2d import ZeroPadding2D

X = np.array([[1.0, 2.0], [3.0, 4.0]])[None, :, :, None]
GRID = np.arange(1.0, 13.0).reshape(1, 3, 4, 1)


def plane(y):
    return y[0, :, :, 0].tolist()


def test_padding_by_hand(alone):
    run = alone(ZeroPadding2D(padding=((1, 0), (0, 2))), X)
    assert plane(run.forward()) == [[0, 0, 0, 0], [1, 2, 0, 0], [3, 4, 0, 0]]
    (dx,) = run.backward(GRID)
    assert plane(dx) == [[5, 6], [9, 10]]


def test_cropping_by_hand(alone):
    run = alone(Cropping2D(cropping=((1, 0), (0, 2))), GRID)
    assert plane(run.forward()) == [[5, 6], [9, 10]]
    (dx,) = run.backward(X)
    assert plane(dx) == [[0, 0, 0, 0], [1, 2, 0, 0], [3, 4, 0, 0]]


@pytest.mark.parametrize(
    ("margins", "around"),
    [
        (0, ((0, 0), (0, 0))),
        (2, ((2, 2), (2, 2))),
        ((1, 3), ((1, 1), (3, 3))),
        (((1, 2), (0, 3)), ((1, 2), (0, 3))),
    ],
)
def test_every_form_of_margins(margins, around, alone):
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    padding, cropping = ZeroPadding2D(padding=margins), Cropping2D(cropping=margins)
    wide = alone(padding, x).forward().copy()
    np.testing.assert_array_equal(wide, np.pad(x, ((0, 0), *around, (0, 0))))
    assert padding.declare((3, 4, 5)).output == wide.shape[1:]
    assert cropping.declare(wide.shape[1:]).output == (3, 4, 5)
    np.testing.assert_array_equal(alone(cropping, wide).forward(), x)


def test_upsampling_by_hand(alone):
    run = alone(Upsampling2D(size=(1, 2)), X)
    assert plane(run.forward()) == [[1, 1, 2, 2], [3, 3, 4, 4]]
    (dx,) = run.backward(GRID[:, :2])
    assert plane(dx) == [[3, 7], [11, 15]]


@pytest.mark.parametrize("size", [1, 2, 3, (2, 3), (3, 1)])
def test_upsampling_against_kron(size, alone):
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 2))
    a, b = (size, size) if isinstance(size, int) else size
    run = alone(Upsampling2D(size=size), x)
    y = run.forward()
    assert run.declaration.output == y.shape[1:]
    for n, c in np.ndindex(2, 2):
        np.testing.assert_array_equal(y[n, :, :, c], np.kron(x[n, :, :, c], np.ones((a, b))))
    dy = np.random.default_rng(1).standard_normal(y.shape)
    (dx,) = run.backward(dy)
    for i, j in np.ndindex(3, 4):
        block = dy[:, i * a : (i + 1) * a, j * b : (j + 1) * b]
        np.testing.assert_allclose(dx[:, i, j], block.sum((1, 2)), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("layer", "output", "gives"),
    [
        (ZeroPadding2D(padding=(1, 2)), (None, 9, None), "real"),
        (Cropping2D(cropping=(1, 2)), (None, 1, None), "same"),
        (Upsampling2D(size=(1, 2)), (None, 10, None), "same"),
    ],
    ids=repr,
)
def test_unknown_lengths_pass(layer, output, gives):
    assert layer.declare((None, 5, None)).output == output
    assert layer.gives == gives


@pytest.mark.parametrize("layer", [ZeroPadding2D(), Cropping2D(), Upsampling2D()], ids=repr)
def test_only_images_are_taken(layer):
    for shape in ((), (8, 8), (1, 8, 8, 3)):
        with pytest.raises(ShapeError, match=r"wanted images, \(height, width, channels\)"):
            layer.declare(shape)


def test_something_must_be_left(alone):
    assert Cropping2D(cropping=1).declare((3, 3, 1)).output == (1, 1, 1)
    for shape in ((2, 3, 1), (3, 2, 1), (3, 1, 1)):
        with pytest.raises(ShapeError, match=r"cropping=1 takes off, found a length of [12]"):
            Cropping2D(cropping=1).declare(shape)
    run = alone(Cropping2D(cropping=1), np.zeros((1, 3, 3, 1)))
    run.inputs = (np.zeros((1, 2, 3, 1)),)
    with pytest.raises(ShapeError, match="found a length of 2"):
        run.forward()


def test_numbers_out_of_range_are_refused():
    for margins in (-1, (0, -1), ((0, 0), (-1, 0))):
        with pytest.raises(ConfigError, match=r"zero_padding2d.padding: .*>= 0, found -1"):
            ZeroPadding2D(padding=margins)
        with pytest.raises(ConfigError, match=r"cropping2d.cropping: .*>= 0, found -1"):
            Cropping2D(cropping=margins)
    for size in (0, (2, 0), (-1, 2)):
        with pytest.raises(ConfigError, match=r"upsampling2d.size: .*>= 1, found"):
            Upsampling2D(size=size)
    with pytest.raises(ConfigError, match=r"zero_padding2d.padding"):
        ZeroPadding2D(padding=(1, 2, 3))
