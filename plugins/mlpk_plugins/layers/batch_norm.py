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
from mlpk_plugins.layers.contiguous import contiguous


class Saved(NamedTuple):
    """What the way back needs: xhat = (centred - rest) * inverse."""

    centred: Array  # (n, positions, channels)
    rest: Array | float  # (channels,); what rounding left in `centred` of the batch's mean
    inverse: Array  # (channels,)
    of_batch: bool  # whether mean and variance depend on x


@define
class BatchNorm(Layer):
    """y = gamma * xhat + beta, xhat = (x - mean) / sqrt(var + eps), for each channel (last axis).

    x (n, ..., channels) -> y alike; gamma, beta, running_mean, running_var (channels,). In
    training, mean and var (biased) are the batch's, over all axes but the last, and
    running = momentum * running + (1 - momentum) * batch; with `unbiased_running_var` the
    variance that is averaged is m / (m - 1) times the biased one, m values a channel. Otherwise,
    and always with `frozen_stats`, mean and var are the running ones, and stay as they are.
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
        images = contiguous(ctx, "x", x).reshape(len(x), prod(x.shape[1:-1]), x.shape[-1])
        centred = ctx.empty("centred", images.shape)
        y = ctx.empty("y", images.shape)
        of_batch = ctx.training and not self.frozen_stats
        if of_batch:
            mean, rest, var = self._measure(ctx, images, centred, y)
            self._remember(arrays, mean, var, images.size // len(mean))
        else:
            mean, rest, var = arrays["running_mean"], 0.0, arrays["running_var"]
            np.subtract(images, _spread(ctx, mean, images), out=centred)
        inverse = 1 / np.sqrt(var + self.eps)
        scale = arrays["gamma"] * inverse
        np.multiply(centred, _spread(ctx, scale, images), out=y)
        y += _spread(ctx, arrays["beta"] - rest * scale, images)
        return y.reshape(x.shape), Saved(centred, rest, inverse, of_batch)

    def _measure(
        self, ctx: Context, images: Array, centred: Array, squares: Array
    ) -> tuple[Array, Array, Array]:
        """Return mean, rest and variance of the batch; write x - (mean - rest) to `centred`.

        The first mean is off by its rounding, which counts where it is large against the
        deviation; the mean of what is left over after taking it off, `rest`, makes that good.
        """
        m = images.shape[0] * images.shape[1]
        if m < 2:  # noqa: PLR2004 - one value has no deviation
            raise DataError(
                f"batch_norm: wanted at least two values a channel in training, found {m}; use "
                "larger batches, drop_last=True for a last batch of one, or frozen_stats=True"
            )
        mean = _sum(ctx, images) / m
        np.subtract(images, _spread(ctx, mean, images), out=centred)
        rest = _sum(ctx, centred) / m
        np.multiply(centred, centred, out=squares)
        var = _sum(ctx, squares) / m - rest * rest
        return mean + rest, rest, np.maximum(var, 0, out=var)

    def _remember(self, arrays: Arrays, mean: Array, var: Array, m: int) -> None:
        weight = 1 - self.momentum
        running_mean, running_var = arrays["running_mean"], arrays["running_var"]
        running_mean *= self.momentum
        running_mean += weight * mean
        running_var *= self.momentum
        running_var += (weight * m / (m - 1) if self.unbiased_running_var else weight) * var

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Saved, doutput: Array, grads: Grads
    ) -> Array | None:
        centred, rest, inverse, of_batch = saved
        dy = contiguous(ctx, "dy", doutput).reshape(centred.shape)
        dx = np.multiply(dy, centred, out=ctx.empty("dx", centred.shape))
        dbeta = _sum(ctx, dy)
        dgamma = (_sum(ctx, dx) - rest * dbeta) * inverse
        grads["beta"][...] = dbeta
        grads["gamma"][...] = dgamma
        if not ctx.needs_input_grad[0]:
            return None
        scale = arrays["gamma"] * inverse
        if of_batch:
            m = dy.shape[0] * dy.shape[1]
            slope = dgamma * inverse / m
            np.multiply(centred, _spread(ctx, -slope, dy), out=dx)
            dx += dy
            dx += _spread(ctx, rest * slope - dbeta / m, dy)
            dx *= _spread(ctx, scale, dy)
        else:
            np.multiply(dy, _spread(ctx, scale, dy), out=dx)
        return dx.reshape(doutput.shape)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,))
        yield Example(cls(unbiased_running_var=True, momentum=0.5), (2, 2, 3))
        yield Example(cls(trainable=False), (None, 2))
        yield Example(cls(frozen_stats=True), (3,), linear=True)


def _spread(ctx: Context, channels: Array, images: Array) -> Array:
    """Return per-channel numbers at every position: NumPy's inner loops then run over both axes."""
    spread = ctx.empty("spread", images.shape[1:])
    spread[...] = channels
    return spread


def _sum(ctx: Context, images: Array) -> Array:
    """Return the sum over all but the channels; as products with ones, they run at BLAS's speed."""
    n, positions, channels = images.shape
    ones = ctx.empty("ones", (max(n, positions),))
    ones.fill(1)
    sums = ctx.empty("sums", (positions * channels,))
    np.matmul(ones[:n], images.reshape(n, positions * channels), out=sums)
    total: Array = np.matmul(ones[:positions], sums.reshape(positions, channels))
    return total
