"""Batch normalisation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
from attrs import field
from attrs.validators import and_, ge, gt, le

from mlpk import Buffer, Context, DataError, Declaration, Example, Layer, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk_plugins.layers.parts.blocks import by_block
from mlpk_plugins.layers.parts.channel_groups import grouped, spread, sums_of
from mlpk_plugins.layers.parts.input_shapes import last_axis


class Saved(NamedTuple):
    """What the way back needs; xhat = (shifted - offset) * inverse."""

    shifted: Array  # x in groups, less some number a channel where the batch's statistics serve
    offset: Array  # (channels,): the mean of that, or the running one
    inverse: Array  # (channels,): 1 / sqrt(var + eps)
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
        channels = x.shape[-1]
        rows = grouped(ctx.contiguous("x", x), channels)
        y = ctx.empty("y", rows.shape)
        of_batch = ctx.training and not self.frozen_stats
        if of_batch:
            shifted = ctx.empty("shifted", rows.shape)
            shift, offset, var = _moments(ctx, x, rows, shifted, squares=y)
            self._remember(arrays, shift + offset, var, x.size // channels)
        else:
            # A copy, since another pass may train before this one goes back.
            shifted, offset, var = rows, arrays["running_mean"].copy(), arrays["running_var"]
        inverse = np.reciprocal(np.sqrt(var + self.eps))
        scale = arrays["gamma"] * inverse
        summand = arrays["beta"] - scale * offset if of_batch else arrays["beta"]
        scale, summand = spread(ctx, "scale", scale, rows), spread(ctx, "summand", summand, rows)
        # A running mean may be large beside what is left: as part of the summand it would cost digits.
        mean = None if of_batch else spread(ctx, "mean", offset, rows)

        def normalise(_: Context, shifted: Array, y: Array) -> None:
            if mean is not None:
                shifted = np.subtract(shifted, mean, out=y)
            np.multiply(shifted, scale, out=y)
            np.add(y, summand, out=y)

        by_block(ctx, x, normalise, shifted, y)
        return y.reshape(x.shape), Saved(shifted, offset, inverse, of_batch)

    def _remember(self, arrays: Arrays, mean: Array, var: Array, m: int) -> None:
        unbiased = m / (m - 1) if self.unbiased_running_var else 1.0
        for name, value, factor in (("running_mean", mean, 1.0), ("running_var", var, unbiased)):
            running = arrays[name]
            running *= self.momentum
            running += value * ((1 - self.momentum) * factor)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Saved, doutput: Array, grads: Grads
    ) -> Array | None:
        shifted, offset, inverse, of_batch = saved
        dy = ctx.contiguous("dy", doutput).reshape(shifted.shape)
        dx = ctx.empty("dx", shifted.shape)
        mean = None if of_batch else spread(ctx, "mean", offset, dy)

        def products(ctx: Context, dy: Array, shifted: Array, dx: Array) -> Array:
            if mean is not None:
                shifted = np.subtract(shifted, mean, out=dx)
            return sums_of(ctx, len(inverse), dy, np.multiply(dy, shifted, out=dx))

        dbeta, dgamma = by_block(ctx, doutput, products, dy, shifted, dx)
        if of_batch:
            dgamma -= offset * dbeta
        dgamma *= inverse
        grads["beta"][...] = dbeta
        grads["gamma"][...] = dgamma
        if not ctx.needs_input_grad[0]:
            return None
        scale = spread(ctx, "scale", arrays["gamma"] * inverse, dy)
        if of_batch:  # dy - mean(dy) - xhat * mean(dy * xhat) = dy + slope * shifted + summand
            share = -len(inverse) / doutput.size
            slope = dgamma * inverse * share
            summand = spread(ctx, "summand", dbeta * share - slope * offset, dy)
            slope = spread(ctx, "slope", slope, dy)

        def gradient(_: Context, dy: Array, shifted: Array, dx: Array) -> None:
            if of_batch:
                np.multiply(shifted, slope, out=dx)
                np.add(dx, dy, out=dx)
                np.add(dx, summand, out=dx)
                np.multiply(dx, scale, out=dx)
            else:
                np.multiply(dy, scale, out=dx)

        by_block(ctx, doutput, gradient, dy, shifted, dx)
        return dx.reshape(doutput.shape)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,))
        yield Example(cls(unbiased_running_var=True, momentum=0.5), (2, 2, 3))
        yield Example(cls(trainable=False), (None, 2))
        yield Example(cls(frozen_stats=True), (3,), linear=True)


def _moments(
    ctx: Context, x: Array, rows: Array, shifted: Array, squares: Array
) -> tuple[Array, Array, Array]:
    """Return a shift, the mean less the shift, and the biased variance; write x - shift, in groups.

    The shift is the mean of at least an eighth of all positions. Wherever these lie, the mean of what
    is left is below three deviations, so that its square takes no digits from the variance.
    """
    channels = x.shape[-1]
    m = x.size // channels
    if m < 2:  # noqa: PLR2004 - one value has no deviation
        raise DataError(
            f"wanted at least two values a channel in training, found {m}; use "
            "larger batches, drop_last=True against a last batch of one, or frozen_stats=True"
        )
    some = rows[: -(-len(rows) // 8)]
    shift = sums_of(ctx, channels, some)[0] * (channels / some.size)
    subtracted = spread(ctx, "shift", shift, rows)

    def sums(ctx: Context, rows: Array, shifted: Array, squares: Array) -> Array:
        np.subtract(rows, subtracted, out=shifted)
        return sums_of(ctx, channels, shifted, np.multiply(shifted, shifted, out=squares))

    offset, var = by_block(ctx, x, sums, rows, shifted, squares) * (1 / m)
    var -= offset * offset
    return shift, offset, np.maximum(var, 0, out=var)
