"""What convolutions declare, and which shapes and fields they refuse."""

import pytest

from mlpk import ConfigError, ShapeError
from mlpk_plugins.layers.conv1d import Conv1D
from mlpk_plugins.layers.conv2d import Conv2D
from mlpk_plugins.layers.conv2d_transpose import Conv2DTranspose
from mlpk_plugins.layers.depthwise_conv2d import DepthwiseConv2D
from mlpk_plugins.layers.separable_conv2d import SeparableConv2D


def test_fans_are_per_group():
    declared = Conv2D(12, (3, 5), groups=2).declare((8, 8, 6))
    assert declared.params["weight"].shape == (3, 5, 3, 12)
    assert declared.params["weight"].in_and_out == (3 * 5 * 3, 3 * 5 * 6)
    declared = DepthwiseConv2D(3, depth_multiplier=2).declare((8, 8, 6))
    assert declared.params["weight"].shape == (3, 3, 1, 12)
    assert declared.params["weight"].in_and_out == (9, 18)
    declared = Conv2DTranspose(4, 2, groups=2).declare((8, 8, 6))
    assert declared.params["weight"].in_and_out == (2 * 2 * 3, 2 * 2 * 2)
    declared = SeparableConv2D(5, 3).declare((8, 8, 6))
    assert declared.params["pointwise_weight"].in_and_out == (6, 5)
    assert not declared.params["bias"].decay


@pytest.mark.parametrize(
    ("layer", "shape", "output"),
    [
        (Conv2D(2, 3), (None, 7, 1), (None, 5, 2)),
        (Conv2D(2, 3, strides=2, padding="same"), (7, None, 1), (4, None, 2)),
        (Conv1D(2, 3), (None, 1), (None, 2)),
        (DepthwiseConv2D(3), (None, 7, 2), (None, 5, 2)),
        (SeparableConv2D(2, 3), (None, None, 2), (None, None, 2)),
        (Conv2DTranspose(2, 3), (None, 7, 2), (None, 9, 2)),
    ],
    ids=repr,
)
def test_unknown_lengths_stay_unknown(layer, shape, output):
    assert layer.declare(shape).output == output


@pytest.mark.parametrize(
    ("layer", "shape", "said"),
    [
        (Conv2D(2, 3), (2, 7, 1), "a window of 3 on 2 "),
        (Conv2D(2, 3, padding=1, dilation=4), (7, 6, 1), "of 3 that reaches over 9 on 8 "),
        (Conv2D(2, 3, groups=2), (7, 7, 3), "2 groups, found 3 channels"),
        (Conv2D(3, 3, groups=2), (7, 7, 4), "2 groups, found 3 filters"),
        (Conv2D(3, 3), (7, 7), "found a shape (7, 7)"),
        (Conv2D(3, 3), (7, 7, None), "known length"),
        (Conv1D(3, 5), (4, 1), "a window of 5 on 4 "),
        (Conv1D(3, 5), (4, 1, 1), "found a shape (4, 1, 1)"),
        (DepthwiseConv2D(3), (2, 7, 1), "a window of 3 on 2 "),
        (SeparableConv2D(2, 3), (2, 7, 1), "a window of 3 on 2 "),
        (Conv2DTranspose(4, 3, groups=2), (7, 7, 3), "2 groups, found 3 channels"),
        (Conv2DTranspose(4, 3, padding=3), (3, 7, 1), "found -1: 6 of padding cut off from 5"),
    ],
    ids=repr,
)
def test_wrong_shapes_are_refused_before_anything_is_computed(layer, shape, said):
    with pytest.raises(ShapeError) as caught:
        layer.declare(shape)
    assert said in str(caught.value)


def test_a_real_image_too_small_is_refused(alone, drawn):
    run = alone(Conv2D(2, 3), drawn(1, 3, 3, 1))
    run.inputs = (drawn(1, 2, 3, 1),)
    with pytest.raises(ShapeError, match="a window of 3 on 2 "):
        run.forward()


@pytest.mark.parametrize(
    ("cls", "fields", "where"),
    [
        (Conv2D, {"filters": 0, "kernel_size": 3}, "conv2d.filters"),
        (Conv2D, {"filters": 1, "kernel_size": (3, 0)}, "conv2d.kernel_size"),
        (Conv2D, {"filters": 1, "kernel_size": (3, 3, 3)}, "conv2d.kernel_size"),
        (Conv2D, {"filters": 1, "kernel_size": 3, "strides": 0}, "conv2d.strides"),
        (Conv2D, {"filters": 1, "kernel_size": 3, "padding": -1}, "conv2d.padding"),
        (Conv2D, {"filters": 1, "kernel_size": 3, "padding": ((0, -1), (0, 0))}, "conv2d.padding"),
        (Conv2D, {"filters": 1, "kernel_size": 3, "padding": "full"}, "conv2d.padding"),
        (Conv2D, {"filters": 1, "kernel_size": 3, "dilation": 0}, "conv2d.dilation"),
        (Conv2D, {"filters": 1, "kernel_size": 3, "groups": 0}, "conv2d.groups"),
        (Conv1D, {"filters": 1, "kernel_size": 0}, "conv1d.kernel_size"),
        (DepthwiseConv2D, {"kernel_size": 1, "depth_multiplier": 0}, "depth_multiplier"),
        (Conv2DTranspose, {"filters": 1, "kernel_size": 3, "output_padding": 1}, "output_padding"),
        (Conv2DTranspose, {"filters": 1, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1}, "output_padding"),
    ],
)  # fmt: skip
def test_wrong_fields_are_refused(cls, fields, where):
    with pytest.raises(ConfigError) as caught:
        cls(**fields)
    assert where in str(caught.value)
