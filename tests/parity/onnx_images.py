"""ONNX's operators on images and other arrays with channels second, run through mlpk's layers.

`OPERATORS[name]` takes what runs a layer, and the inputs and attributes of a case: an attribute
that is not known here is an error. It returns the first output, or outputs by name.
"""

import numpy as np

from mlpk_plugins.layers.average_pool1d import AveragePool1D
from mlpk_plugins.layers.average_pool2d import AveragePool2D
from mlpk_plugins.layers.batch_norm import BatchNorm
from mlpk_plugins.layers.conv2d import Conv2D
from mlpk_plugins.layers.conv2d_transpose import Conv2DTranspose
from mlpk_plugins.layers.global_average_pool2d import GlobalAveragePool2D
from mlpk_plugins.layers.global_max_pool2d import GlobalMaxPool2D
from mlpk_plugins.layers.group_norm import GroupNorm
from mlpk_plugins.layers.log_softmax import LogSoftmax
from mlpk_plugins.layers.max_pool1d import MaxPool1D
from mlpk_plugins.layers.max_pool2d import MaxPool2D
from mlpk_plugins.layers.upsampling2d import Upsampling2D
from mlpk_plugins.layers.zero_padding2d import ZeroPadding2D
from mlpk_plugins.losses.softmax_cross_entropy import SoftmaxCrossEntropy


def channels_last(x):
    return np.moveaxis(x, 1, -1)


def channels_first(y):
    return np.moveaxis(y, -1, 1)


def padding(lengths, kernel, strides, pads, auto_pad):
    """The padding ((top, bottom), (left, right)) of images, or ((before, after),) of sequences."""
    rank = len(kernel)
    if auto_pad == "SAME_UPPER":
        return "same"
    if auto_pad == "SAME_LOWER":
        each = zip(lengths, kernel, strides, strict=True)
        missing = [(-(-length // s) - 1) * s + k - length for length, k, s in each]
        return tuple((m - m // 2, m // 2) for m in missing)
    numbers = pads or [0] * 2 * rank
    return tuple(zip(numbers[:rank], numbers[rank:], strict=True))


def conv(run, x, w, *, kernel_shape, strides=(1, 1), pads=None, auto_pad=None):
    layer = Conv2D(
        filters=len(w),
        kernel_size=tuple(kernel_shape),
        strides=tuple(strides),
        padding=padding(x.shape[2:], kernel_shape, strides, pads, auto_pad),
        bias=False,
    )
    return channels_first(run(layer, channels_last(x), weight=w.transpose(2, 3, 1, 0)))


def conv_transpose(
    run,
    x,
    w,
    *,
    kernel_shape=None,
    strides=(1, 1),
    pads=None,
    auto_pad=None,
    output_padding=(0, 0),
    output_shape=None,
    dilations=(1, 1),
    group=1,
):
    kernel = w.shape[2:]
    assert kernel_shape in (None, [*kernel])
    if output_shape is not None:
        full = [(n - 1) * s + k for n, k, s in zip(x.shape[2:], kernel, strides, strict=True)]
        output_padding = np.subtract(output_shape, full).tolist()
    layer = Conv2DTranspose(
        filters=w.shape[1] * group,
        kernel_size=kernel,
        strides=tuple(strides),
        padding=padding(x.shape[2:], kernel, strides, pads, auto_pad),
        output_padding=tuple(output_padding),
        dilation=tuple(dilations),
        groups=group,
        bias=False,
    )
    parts = w.reshape(group, -1, *w.shape[1:])  # group, c_in / group, filters / group, kh, kw
    weight = parts.transpose(3, 4, 1, 0, 2).reshape(*kernel, -1, layer.filters)
    return channels_first(run(layer, channels_last(x), weight=weight))


def pool(on_sequences, on_images):
    """Pooling, by one of two layers; `counting` are fields that only the average has."""

    def operator(
        run, x, *, kernel_shape, strides=None, pads=None, auto_pad=None, storage_order=0, **counting
    ):
        assert storage_order in (0, 1)  # says how indices of maxima count, which are not given
        steps = strides or [1] * len(kernel_shape)
        margins = padding(x.shape[2:], kernel_shape, steps, pads, auto_pad)
        fields = {name: bool(value) for name, value in counting.items()}
        if len(kernel_shape) == 1:
            layer = on_sequences(*kernel_shape, *steps, *margins, **fields)
        else:
            layer = on_images(tuple(kernel_shape), tuple(steps), margins, **fields)
        return channels_first(run(layer, channels_last(x)))

    return operator


def global_pool(make):
    return lambda run, x: run(make(), channels_last(x))[..., np.newaxis, np.newaxis]


def batch_norm(run, x, gamma, beta, mean, var, *, epsilon=1e-5, momentum=0.9, training_mode=0):
    mean, var = mean.astype(np.float64), var.astype(np.float64)  # a training forward writes them
    layer, arrays = BatchNorm(momentum=momentum, eps=epsilon), {"gamma": gamma, "beta": beta}
    arrays |= {"running_mean": mean, "running_var": var}
    y = channels_first(run(layer, channels_last(x), training=bool(training_mode), **arrays))
    return {"y": y, "output_mean": mean, "output_var": var}


def group_norm(run, x, gamma, beta, *, epsilon=1e-5, num_groups=None):
    layer = GroupNorm(groups=num_groups or x.shape[1], eps=epsilon)
    return channels_first(run(layer, channels_last(x), gamma=gamma, beta=beta))


def pad(run, x, numbers, value, axes=(0, 1, 2, 3), *, mode):
    assert mode == "constant"
    begin, end = numbers.reshape(2, -1).tolist()
    at = {axis % 4: sides for axis, *sides in zip(axes, begin, end, strict=True)}
    sides = [tuple(at.get(axis, (0, 0))) for axis in range(4)]
    assert sides[:2] == [(0, 0), (0, 0)]
    layer = ZeroPadding2D(padding=tuple(sides[2:]))
    return channels_first(run(layer, channels_last(x.astype(np.float64) - value))) + value


def upsample(run, x, *given, mode, axes=(0, 1, 2, 3)):
    assert mode == "nearest"
    scales = dict(zip(axes, given[-1].tolist(), strict=True))
    assert scales.get(0, 1) == scales.get(1, 1) == 1
    layer = Upsampling2D(size=(int(scales[2]), int(scales[3])))
    return channels_first(run(layer, channels_last(x)))


def softmax_cross_entropy(run, x, labels, weight=None, *, reduction, ignore_index=None):
    assert reduction == "mean"
    logits = channels_last(x).astype(np.float64)
    of_class = None if weight is None else tuple(weight.tolist())
    loss = SoftmaxCrossEntropy(class_weight=of_class, ignore_index=ignore_index)
    value, _ = run.loss(loss, logits, labels)
    return {"z": value, "log_prob": channels_first(run(LogSoftmax(), logits))}


OPERATORS = {
    "AveragePool": pool(AveragePool1D, AveragePool2D),
    "BatchNormalization": batch_norm,
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "GlobalAveragePool": global_pool(GlobalAveragePool2D),
    "GlobalMaxPool": global_pool(GlobalMaxPool2D),
    "GroupNormalization": group_norm,
    "InstanceNormalization": group_norm,
    "MaxPool": pool(MaxPool1D, MaxPool2D),
    "Pad": pad,
    "Resize": upsample,
    "SoftmaxCrossEntropyLoss": softmax_cross_entropy,
    "Upsample": upsample,
}
