"""Batch normalisation."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import ClassVar, NamedTuple

import numpy as np
from attrs import field
from attrs.validators import and_, ge, gt, le

from mlpk import Buffer, Context, DataError, Declaration, Example, Layer, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk_plugins.layers.parts.channels import channel_sums, per_channel
from mlpk_plugins.layers.parts.contiguous import contiguous
from mlpk_plugins.layers.parts.input_shapes import last_axis


class Saved(NamedTuple):
    """What the way back needs; xhat = centred * inverse."""

    centred: Array  # (n, positions, channels)
    inverse: Array  # (channels,)
    of_batch: bool  # whether mean and variance depend on x


@define
class BatchNorm(Layer):
    """y = gamma * xhat + beta, xhat = (x - mean) / sqrt(var + eps), for each channel (last axis).

    x (n, ..., channels) -> y alike; gamma, beta, running_mean, running_var (channels,). In
    training, mean and var (biased) are the batch's, over all axes but the last, and
    running = momentum * running + (1 - momentum) * batch; with `unbiased_running_var` the
    variance that is averaged is m / (m - 1) times the biased one, m values a channel. Otherwise,
    and always with `frozen_stats`, mean and var are the running ones, which stay as they are.
    `trainable=False` keeps the optimizer from gamma and beta.

    With g = gamma * dy: dx = (g - mean(g) - xhat * mean(g * xhat)) / sqrt(var + eps), or
    g / sqrt(var + eps) on running statistics; dgamma = sum(dy * xhat), dbeta = sum(dy).

    0 <= momentum <= 1, eps > 0. Ioffe and Szegedy, Batch normalization: accelerating deep network
    training by reducing internal covariate shift, ICML 2015.
    """

    kind: ClassVar[str] = "batch_norm"

    momentum: float = field(default=0.9, validator=and_(ge(0), le(1)))
    eps: float = field(default=1e-5, validator=gt(0))
    unbiased_running_var: bool = False
    trainable: bool = True
    frozen_stats: bool = False

    def declare(self, x: Shape) -> Declaration:
        shape = (known(last_axis(x, "channels")),)
        alone = all(length in (1, None) for length in x[:-1])
        return Declaration(
            x,
            {
                "gamma": Param(shape, "ones", decay=False, trainable=self.trainable),
                "beta": Param(shape, "zeros", decay=False, trainable=self.trainable),
            },
            {"running_mean": Buffer(shape, 0.0), "running_var": Buffer(shape, 1.0)},
            min_rows=2 if alone and not self.frozen_stats else 1,
        )

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Saved]:
        rows = contiguous(ctx, "x", x).reshape(len(x), prod(x.shape[1:-1]), x.shape[-1])
        centred, y = ctx.empty("centred", rows.shape), ctx.empty("y", rows.shape)
        of_batch = ctx.training and not self.frozen_stats
        if of_batch:
            mean, var = _moments(ctx, rows, centred, squares=y)
            self._remember(arrays, mean, var, rows.size // len(mean))
        else:
            mean, var = arrays["running_mean"], arrays["running_var"]
            np.subtract(rows, per_channel(ctx, mean, rows), out=centred)
        inverse = 1 / np.sqrt(var + self.eps)
        np.multiply(centred, per_channel(ctx, arrays["gamma"] * inverse, rows), out=y)
        y += per_channel(ctx, arrays["beta"], rows)
        return y.reshape(x.shape), Saved(centred, inverse, of_batch)

    def _remember(self, arrays: Arrays, mean: Array, var: Array, m: int) -> None:
        unbiased = m / (m - 1) if self.unbiased_running_var else 1.0
        for name, value in (("running_mean", mean), ("running_var", var * unbiased)):
            arrays[name][...] = self.momentum * arrays[name] + (1 - self.momentum) * value

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Saved, doutput: Array, grads: Grads
    ) -> Array | None:
        centred, inverse, of_batch = saved
        dy = contiguous(ctx, "dy", doutput).reshape(centred.shape)
        dx = np.multiply(dy, centred, out=ctx.empty("dx", centred.shape))
        dbeta, dgamma = channel_sums(ctx, dy), channel_sums(ctx, dx) * inverse
        grads["beta"][...] = dbeta
        grads["gamma"][...] = dgamma
        if not ctx.needs_input_grad[0]:
            return None
        if of_batch:
            m = centred.size // len(inverse)
            np.multiply(centred, per_channel(ctx, -dgamma * inverse / m, dy), out=dx)
            dx += dy
            dx -= per_channel(ctx, dbeta / m, dy)
        else:
            np.copyto(dx, dy)
        dx *= per_channel(ctx, arrays["gamma"] * inverse, dy)
        return dx.reshape(doutput.shape)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,))
        yield Example(cls(unbiased_running_var=True, momentum=0.5), (2, 2, 3))
        yield Example(cls(trainable=False), (None, 2))
        yield Example(cls(frozen_stats=True), (3,), linear=True)


def _moments(ctx: Context, rows: Array, centred: Array, squares: Array) -> tuple[Array, Array]:
    """Return mean and biased variance; write rows - mean to `centred`.

    A mean is off by its rounding, which counts where the deviation is small beside it: the mean
    of what is left once it is taken off makes that good.
    """
    m = rows.shape[0] * rows.shape[1]
    if m < 2:  # noqa: PLR2004 - one value has no deviation
        raise DataError(
            f"wanted at least two values a channel in training, found {m}; use "
            "larger batches, drop_last=True against a last batch of one, or frozen_stats=True"
        )
    mean = channel_sums(ctx, rows) / m
    np.subtract(rows, per_channel(ctx, mean, rows), out=centred)
    rest = channel_sums(ctx, centred) / m
    centred -= per_channel(ctx, rest, rows)
    np.multiply(centred, centred, out=squares)
    return mean + rest, channel_sums(ctx, squares) / m
