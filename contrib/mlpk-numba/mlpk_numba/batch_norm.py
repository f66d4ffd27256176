"""Batch normalisation: x is read twice on the way forward, and twice on the way back.

Several rows in a row, side by side, make a line: loops over few channels would be too short.
"""

from __future__ import annotations

from math import gcd, prod, sqrt
from typing import Any, NamedTuple

import numpy as np
from mlpk import Context
from mlpk.arrays import Array, Arrays, Grads

from mlpk_numba.compiled import compiled
from mlpk_numba.kernel import shared
from mlpk_numba.read_only import read_only
from mlpk_numba.sharing import share_out

__all__ = ["backward", "forward"]

# Values that a line has at most, where channels are fewer. Mean, scale and the like lie along a line
# and are read anew with each: short lines keep that small. Moments take four lines at a time, so that
# theirs may be longer.
LINE, LINE_OF_MOMENTS = 128, 256
# Values of a piece. What is summed over it is taken while it lies in the cache, and pieces are
# joined in their order, whichever thread had them.
PIECE = 65_536


class Saved(NamedTuple):
    """What the way back needs."""

    x: Array  # (lines, width)
    numbers: Array  # (5, width): mean, inverse, scale, shift, rest, see `_prepare`
    of_batch: bool  # whether mean and var depend on x


def forward(norm: Any, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Any]:
    """Return y = gamma * (x - mean) * inverse + beta."""
    m = prod(x.shape[:-1])
    of_batch = ctx.training and not norm.frozen_stats
    if of_batch and m < 2:  # noqa: PLR2004 - one value has no deviation
        return norm.forward(arrays, ctx, x)  # type: ignore[no-any-return] # which refuses it
    y, lines = ctx.empty("y", x.shape), _lines(read_only(ctx, "x", x), LINE)
    numbers = ctx.empty("numbers", (5, lines.shape[1]))
    running = arrays["running_mean"], arrays["running_var"]
    given = arrays["gamma"], arrays["beta"], norm.eps, numbers
    if of_batch:
        longer = _lines(lines.reshape(x.shape), LINE_OF_MOMENTS)
        size, pieces = _pieces(*longer.shape)
        parts = ctx.empty("moments", (pieces, 3, longer.shape[1]))
        share_out(_moments, pieces, x.nbytes, longer, size, parts)
        unbiased = m / (m - 1) if norm.unbiased_running_var else 1.0
        _join(parts, len(longer), size, m, norm.momentum, unbiased, *running, *given)
    else:
        _recall(*running, *given)
    share_out(_normalise, len(lines), 2 * x.nbytes, lines, numbers, y.reshape(lines.shape))
    return y, Saved(lines, numbers, of_batch)


def backward(
    _: Any, arrays: Arrays, ctx: Context, saved: Saved, doutput: Array, grads: Grads
) -> Array | None:
    """With g = gamma * dy: dx = (g - mean(g) - xhat * mean(g * xhat)) * inverse.

    On running statistics, mean and inverse are constants, and dx = g * inverse.
    """
    lines, numbers, of_batch = saved
    dy = read_only(ctx, "dy", doutput).reshape(lines.shape)
    size, pieces = _pieces(*lines.shape)
    parts, slopes = (
        ctx.empty("sums", (pieces, 2, lines.shape[1])),
        ctx.empty("slopes", (2, lines.shape[1])),
    )
    share_out(_sums, pieces, 2 * lines.nbytes, lines, dy, numbers, size, parts)
    _slopes(parts, numbers, grads["beta"].size / lines.size, grads["beta"], grads["gamma"], slopes)
    if not ctx.needs_input_grad[0]:
        return None
    dx = ctx.empty("dx", lines.shape)
    if of_batch:
        share_out(_go_back, len(lines), 3 * lines.nbytes, lines, dy, numbers, slopes, dx)
    else:
        share_out(_scale, len(lines), 2 * lines.nbytes, dy, numbers, dx)
    return dx.reshape(doutput.shape)


def _lines(x: Array, most: int) -> Array:
    """Return x as lines, each of as many rows as make `most` values or fewer, and divide all."""
    channels = x.shape[-1]
    return x.reshape(-1, channels * gcd(prod(x.shape[:-1]), max(1, most // channels)))


def _pieces(lines: int, width: int) -> tuple[int, int]:
    """Return how many lines a piece has, and how many pieces there are."""
    size = max(1, PIECE // width)
    return size, -(-lines // size)


@shared
def _moments(first: int, stop: int, x: Array, size: int, parts: Array) -> None:
    """Write the mean of each place in a piece, and the sums of what is off it and of its square.

    A mean is off by its rounding, which counts where the deviation is small beside it.
    """
    for piece in range(first, stop):
        lines = x[piece * size : (piece + 1) * size]
        mean, rest, squares = parts[piece, 0], parts[piece, 1], parts[piece, 2]
        one_over_n = x.dtype.type(1 / len(lines))
        for k in range(mean.size):
            mean[k] = rest[k] = squares[k] = 0
        fours = len(lines) // 4 * 4
        for i in range(0, fours, 4):
            for k in range(mean.size):
                mean[k] += lines[i, k] + lines[i + 1, k] + (lines[i + 2, k] + lines[i + 3, k])
        for i in range(fours, len(lines)):
            for k in range(mean.size):
                mean[k] += lines[i, k]
        for k in range(mean.size):
            mean[k] *= one_over_n
        for i in range(0, fours, 4):
            for k in range(mean.size):
                a, b = lines[i, k] - mean[k], lines[i + 1, k] - mean[k]
                c, d = lines[i + 2, k] - mean[k], lines[i + 3, k] - mean[k]
                rest[k] += a + b + (c + d)
                squares[k] += a * a + b * b + (c * c + d * d)
        for i in range(fours, len(lines)):
            for k in range(mean.size):
                off = lines[i, k] - mean[k]
                rest[k] += off
                squares[k] += off * off


@compiled
def _join(
    parts: Array,
    lines: int,
    size: int,
    m: int,
    momentum: float,
    unbiased: float,
    running_mean: Array,
    running_var: Array,
    gamma: Array,
    beta: Array,
    eps: float,
    numbers: Array,
) -> None:
    """Join the moments of pieces and of places, after Chan, Golub and LeVeque, 1979."""
    channels = running_mean.size
    mean, squares = np.zeros(channels), np.zeros(channels)
    seen = 0
    for piece in range(len(parts)):
        n = min(size, lines - piece * size)
        for start in range(0, parts.shape[2], channels):
            weight, share = seen * n / (seen + n), n / (seen + n)
            seen += n
            means, rests, its_squares = parts[piece, 0], parts[piece, 1], parts[piece, 2]
            for c in range(channels):
                k = start + c
                rest = np.float64(rests[k]) / n
                off = means[k] - mean[c] + rest
                squares[c] += its_squares[k] - rest * rests[k] + off * off * weight
                mean[c] += off * share
    for c in range(channels):
        var = squares[c] / m
        running_mean[c] = momentum * running_mean[c] + (1 - momentum) * mean[c]
        running_var[c] = momentum * running_var[c] + (1 - momentum) * var * unbiased
        numbers[0, c], numbers[1, c] = mean[c], var
        numbers[4, c] = mean[c] - numbers[0, c]
    _prepare(gamma, beta, eps, numbers)


@compiled
def _recall(
    running_mean: Array, running_var: Array, gamma: Array, beta: Array, eps: float, numbers: Array
) -> None:
    for c in range(running_mean.size):
        numbers[0, c], numbers[1, c], numbers[4, c] = running_mean[c], running_var[c], 0
    _prepare(gamma, beta, eps, numbers)


@compiled
def _prepare(gamma: Array, beta: Array, eps: float, numbers: Array) -> None:
    """Make of mean, var and rest (of the mean, off its rounding) what stands along the line.

    inverse = 1 / sqrt(var + eps), scale = gamma * inverse and shift = beta - rest * scale, so that
    y = (x - mean) * scale + shift.
    """
    for c in range(gamma.size):
        numbers[1, c] = 1 / sqrt(numbers[1, c] + eps)
        numbers[2, c] = gamma[c] * numbers[1, c]
        numbers[3, c] = beta[c] - numbers[4, c] * numbers[2, c]
    _repeat(numbers, gamma.size)


@compiled
def _repeat(numbers: Array, channels: int) -> None:
    for number in numbers:
        for k in range(channels, number.size):
            number[k] = number[k - channels]


@shared
def _normalise(first: int, stop: int, x: Array, numbers: Array, y: Array) -> None:
    x, y = x[first:stop], y[first:stop]
    mean, scale, shift = numbers[0], numbers[2], numbers[3]
    for i in range(len(x)):
        for k in range(mean.size):
            y[i, k] = (x[i, k] - mean[k]) * scale[k] + shift[k]


@shared
def _sums(
    first: int, stop: int, x: Array, dy: Array, numbers: Array, size: int, parts: Array
) -> None:
    """Write sum(dy) and sum(dy * (x - mean)) of each place in a piece."""
    mean = numbers[0]
    for piece in range(first, stop):
        lines, dlines = x[piece * size : (piece + 1) * size], dy[piece * size : (piece + 1) * size]
        plain, weighed = parts[piece, 0], parts[piece, 1]
        for k in range(mean.size):
            plain[k] = weighed[k] = 0
        for i in range(len(lines)):
            for k in range(mean.size):
                plain[k] += dlines[i, k]
                weighed[k] += dlines[i, k] * (lines[i, k] - mean[k])


@compiled
def _slopes(
    parts: Array, numbers: Array, share: float, dbeta: Array, dgamma: Array, slopes: Array
) -> None:
    """Write dbeta and dgamma, and along the line what dx is made of."""
    channels = dbeta.size
    plain, weighed = np.zeros(channels), np.zeros(channels)
    for piece in range(len(parts)):
        for start in range(0, numbers.shape[1], channels):
            for c in range(channels):
                plain[c] += parts[piece, 0, start + c]
                weighed[c] += parts[piece, 1, start + c]
    for c in range(channels):
        inverse, rest = numbers[1, c], numbers[4, c]
        dbeta[c] = plain[c]
        dgamma[c] = (weighed[c] - rest * plain[c]) * inverse
        slopes[1, c] = dgamma[c] * inverse * share
        slopes[0, c] = dbeta[c] * share - rest * slopes[1, c]
    _repeat(slopes, channels)


@shared
def _go_back(
    first: int, stop: int, x: Array, dy: Array, numbers: Array, slopes: Array, dx: Array
) -> None:
    x, dy, dx = x[first:stop], dy[first:stop], dx[first:stop]
    mean, scale, through_mean, through_var = numbers[0], numbers[2], slopes[0], slopes[1]
    for i in range(len(x)):
        for k in range(mean.size):
            off = (x[i, k] - mean[k]) * through_var[k]
            dx[i, k] = (dy[i, k] - through_mean[k] - off) * scale[k]


@shared
def _scale(first: int, stop: int, dy: Array, numbers: Array, dx: Array) -> None:
    dy, dx, scale = dy[first:stop], dx[first:stop], numbers[2]
    for i in range(len(dx)):
        for k in range(scale.size):
            dx[i, k] = dy[i, k] * scale[k]
