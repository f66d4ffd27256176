"""What pools declare, and which shapes and fields they refuse."""

import pytest

from mlpk import ConfigError, ShapeError
from mlpk_plugins.layers.average_pool1d import AveragePool1D
from mlpk_plugins.layers.average_pool2d import AveragePool2D
from mlpk_plugins.layers.global_average_pool1d import GlobalAveragePool1D
from mlpk_plugins.layers.global_average_pool2d import GlobalAveragePool2D
from mlpk_plugins.layers.global_max_pool1d import GlobalMaxPool1D
from mlpk_plugins.layers.global_max_pool2d import GlobalMaxPool2D
from mlpk_plugins.layers.max_pool1d import MaxPool1D
from mlpk_plugins.layers.max_pool2d import MaxPool2D


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
