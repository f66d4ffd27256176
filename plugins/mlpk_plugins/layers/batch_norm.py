"""Batch normalisation."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import ClassVar, NamedTuple

import numpy as np
from attrs import field
from attrs.validators import and_, ge, gt, le

from mlpk import Buffer, Context, DataError, Declaration, Example, Layer, Param, ShapeError, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk_plugins.layers.channels import channel_sums, per_channel
from mlpk_plugins.layers.contiguous import contiguous


class Saved(NamedTuple):
    """What the way back needs: xhat = (centred - rest) * inverse."""

    centred: Array  # (n, positions, channels)
    rest: Array  # (channels,); the mean of `centred`, which is not quite 0
    inverse: Array  # (channels,); 1 / sqrt(var + eps)
    of_batch: bool  # whether mean and var are the batch's


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
        if not x:
            raise ShapeError("wanted an axis of channels beside the batch, found none")
        shape = (known(x[-1]),)
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
            rest, var = self._measure(arrays, ctx, rows, centred, squares=y)
        else:
            mean, var = arrays["running_mean"], arrays["running_var"]
            rest = np.zeros_like(mean)
            np.subtract(rows, per_channel(ctx, mean, rows), out=centred)
        inverse = 1 / np.sqrt(var + self.eps)
        scale = arrays["gamma"] * inverse
        np.multiply(centred, per_channel(ctx, scale, rows), out=y)
        y += per_channel(ctx, arrays["beta"] - rest * scale, rows)
        return y.reshape(x.shape), Saved(centred, rest, inverse, of_batch)

    def _measure(
        self, arrays: Arrays, ctx: Context, rows: Array, centred: Array, squares: Array
    ) -> tuple[Array, Array]:
        """Write the centred rows and the running statistics; return rest and var of the batch.

        A mean is off by its rounding, which counts where the deviation is small beside it; the
        mean of what is left over once it is taken off, `rest`, makes that good.
        """
        m = rows.shape[0] * rows.shape[1]
        if m < 2:  # noqa: PLR2004 - one value has no deviation
            raise DataError(
                f"batch_norm: wanted at least two values a channel in training, found {m}; use "
                "larger batches, drop_last=True against a last batch of one, or frozen_stats=True"
            )
        mean = channel_sums(ctx, rows) / m
        np.subtract(rows, per_channel(ctx, mean, rows), out=centred)
        rest = channel_sums(ctx, centred) / m
        np.multiply(centred, centred, out=squares)
        var = np.maximum(channel_sums(ctx, squares) / m - rest * rest, 0)
        new = 1 - self.momentum
        running_mean, running_var = arrays["running_mean"], arrays["running_var"]
        running_mean *= self.momentum
        running_mean += new * (mean + rest)
        running_var *= self.momentum
        running_var += (new * m / (m - 1) if self.unbiased_running_var else new) * var
        return rest, var

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Saved, doutput: Array, grads: Grads
    ) -> Array | None:
        centred, rest, inverse, of_batch = saved
        dy = contiguous(ctx, "dy", doutput).reshape(centred.shape)
        dx = np.multiply(dy, centred, out=ctx.empty("dx", centred.shape))
        dbeta = channel_sums(ctx, dy)
        dgamma = (channel_sums(ctx, dx) - rest * dbeta) * inverse
        grads["beta"][...] = dbeta
        grads["gamma"][...] = dgamma
        if not ctx.needs_input_grad[0]:
            return None
        scale = arrays["gamma"] * inverse
        if of_batch:
            m = centred.size // len(scale)
            slope = dgamma * inverse / m
            np.multiply(centred, per_channel(ctx, -slope, centred), out=dx)
            dx += dy
            dx += per_channel(ctx, rest * slope - dbeta / m, centred)
            dx *= per_channel(ctx, scale, centred)
        else:
            np.multiply(dy, per_channel(ctx, scale, centred), out=dx)
        return dx.reshape(doutput.shape)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,))
        yield Example(cls(unbiased_running_var=True, momentum=0.5), (2, 2, 3))
        yield Example(cls(trainable=False), (None, 2))
        yield Example(cls(frozen_stats=True), (3,), linear=True)
