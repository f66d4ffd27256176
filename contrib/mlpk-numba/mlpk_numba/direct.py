"""Convolution as it is written: windows times the kernel, without laying windows out.

A window's rows lie in one piece as they are.
"""

from __future__ import annotations

import numpy as np
from mlpk.arrays import Array, frozen_view

from mlpk_numba.kernel import shared
from mlpk_numba.product import panel, width_of, write_product
from mlpk_numba.sharing import share_out

__all__ = ["convolve", "kernel_gradient"]

BLOCK = 16  # places of a kernel whose gradient is taken together, at least: two tiles


def convolve(frame: Array, kernel: Array, bias: Array, y: Array) -> None:
    """Write to y (n, rows, columns, filters) what the windows of the frame give."""
    work = y.size // y.shape[3] * kernel.size
    everywhere = _view(y.shape[1:], bias, (0, 0, bias.itemsize))
    given = _windows(frame, kernel), _rows(kernel), everywhere, y
    share_out(_convolve, len(y) * y.shape[1], work, *given)


def kernel_gradient(frame: Array, dy: Array, dkernel: Array) -> None:
    """Write the gradient of the kernel, given that of y."""
    height, width, channels, filters = dkernel.shape
    work = dy.size // filters * dkernel.size
    blocks = max(1, width * channels // BLOCK)
    given = blocks, _windows(frame, dkernel), dy, _rows(dkernel)
    share_out(_kernel_gradient, height * blocks, work, *given, each=1)


def _windows(frame: Array, kernel: Array) -> Array:
    """Return a view (n, rows, columns, height, width * channels) of all windows."""
    height, width = kernel.shape[:2]
    n, down, across, channels = frame.shape
    # Not `frame.strides`: an axis of length 1 may have any.
    item = frame.itemsize
    pixel = channels * item
    row = across * pixel
    image = down * row
    shape = n, down - height + 1, across - width + 1, height, width * channels
    return _view(shape, frame, (image, row, pixel, row, item))


def _rows(kernel: Array) -> Array:
    """Return a view (height, width * channels, filters) of a kernel."""
    height, width, channels, filters = kernel.shape
    return kernel.reshape(height, width * channels, filters)


def _view(shape: tuple[int, ...], of: Array, strides: tuple[int, ...]) -> Array:
    view: Array = np.ndarray(shape, of.dtype, of, 0, strides)
    return frozen_view(view)


@shared
def _convolve(first: int, stop: int, windows: Array, kernel: Array, bias: Array, y: Array) -> None:
    """Do the rows of y from `first` to `stop`, counted over all images."""
    rows, filters = y.shape[1], y.shape[3]
    width = width_of(y)
    for n in range(first // rows, (stop + rows - 1) // rows):
        low, high = max(0, first - n * rows), min(rows, stop - n * rows)
        for start in range(0, filters, width):
            some = slice(start, start + width)
            write_product(
                windows[n, low:high],
                panel(kernel, start),
                bias[low:high, :, some],
                y[n, low:high, :, some],
            )


@shared
def _kernel_gradient(
    first: int, stop: int, blocks: int, windows: Array, dy: Array, dkernel: Array
) -> None:
    """Do blocks from `first` to `stop` of dkernel (height, width * channels, filters).

    Each of its rows has so many. An image serves all of them, one after the other, from the cache.
    """
    places, width = dkernel.shape[1], width_of(dy)
    for block in range(first, stop):
        row, at = divmod(block, blocks)
        dkernel[row, places * at // blocks : places * (at + 1) // blocks] = 0
    for n in range(len(dy)):
        seen = windows[n].transpose(2, 3, 0, 1)
        for start in range(0, dy.shape[3], width):
            columns = panel(dy[n], start)
            for block in range(first, stop):
                row, at = divmod(block, blocks)
                some = slice(places * at // blocks, places * (at + 1) // blocks)
                sums = dkernel[row : row + 1, some, start : start + width]
                write_product(seen[row : row + 1, some], columns, sums, sums)
