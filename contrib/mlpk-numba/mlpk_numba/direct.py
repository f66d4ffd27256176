"""Convolution as it is written: windows times the kernel, without laying windows out.

A window's rows lie in one piece as they are.
"""

from __future__ import annotations

import numpy as np
from mlpk.arrays import Array
from numpy.lib.stride_tricks import as_strided

from mlpk_numba.compiled import compiled
from mlpk_numba.fill import fill
from mlpk_numba.kernel import shared
from mlpk_numba.product import panel, width_of, write_product
from mlpk_numba.sharing import share_out

__all__ = ["convolve", "kernel_gradient"]

BLOCK = 16  # places of a kernel whose gradient is taken together, at least: two tiles


def convolve(frame: Array, kernel: Array, bias: Array, y: Array) -> None:
    """Write to y (n, rows, columns, filters) what the windows of the frame give."""
    work = y.size // y.shape[3] * kernel.size
    share_out(_convolve, len(y) * y.shape[1], work, frame, kernel, bias, y)


def kernel_gradient(frame: Array, dy: Array, dkernel: Array) -> None:
    """Write the gradient of the kernel, given that of y."""
    height, width, channels, filters = dkernel.shape
    work = dy.size // filters * dkernel.size
    blocks = max(1, width * channels // BLOCK)
    share_out(_kernel_gradient, height * blocks, work, blocks, frame, dy, dkernel, each=1)


@compiled
def _windows(frame: Array, height: int, width: int) -> Array:
    """Return a view (n, rows, columns, height, width * channels) of all windows."""
    n, down, across, channels = frame.shape
    # Not `frame.strides`: an axis of length 1 may have any.
    item = frame.itemsize
    pixel = channels * item
    row = across * pixel
    image = down * row
    shape = n, down - height + 1, across - width + 1, height, width * channels
    view: Array = as_strided(frame, shape, (image, row, pixel, row, item))
    return view


@shared
def _convolve(first: int, stop: int, frame: Array, kernel: Array, bias: Array, y: Array) -> None:
    """Do the rows of y from `first` to `stop`, counted over all images."""
    height, width, channels, filters = kernel.shape
    windows, rows, width_of_panel = _windows(frame, height, width), y.shape[1], width_of(y)
    lines = kernel.reshape(height, width * channels, filters)
    everywhere = np.broadcast_to(bias, y.shape[1:])
    for n in range(first // rows, (stop + rows - 1) // rows):
        low, high = max(0, first - n * rows), min(rows, stop - n * rows)
        for start in range(0, filters, width_of_panel):
            some = slice(start, start + width_of_panel)
            write_product(
                windows[n, low:high],
                panel(lines, start),
                everywhere[low:high, :, some],
                y[n, low:high, :, some],
            )


@shared
def _kernel_gradient(
    first: int, stop: int, blocks: int, frame: Array, dy: Array, dkernel: Array
) -> None:
    """Do blocks from `first` to `stop` of dkernel, each of whose rows has so many.

    An image serves all of them, one after the other, from the cache.
    """
    height, width, channels, filters = dkernel.shape
    windows, places, width_of_panel = _windows(frame, height, width), width * channels, width_of(dy)
    lines = dkernel.reshape(height, places, filters)
    turned = height, places, windows.shape[1], windows.shape[2]
    _, down, across, row_by_row, item = windows.strides
    for block in range(first, stop):
        row, at = divmod(block, blocks)
        fill(lines[row, places * at // blocks : places * (at + 1) // blocks].reshape(-1), 0)
    for n in range(len(dy)):
        seen = as_strided(windows[n], turned, (row_by_row, item, down, across))
        for start in range(0, filters, width_of_panel):
            columns = panel(dy[n], start)
            for block in range(first, stop):
                row, at = divmod(block, blocks)
                some = slice(places * at // blocks, places * (at + 1) // blocks)
                sums = lines[row : row + 1, some, start : start + width_of_panel]
                write_product(seen[row : row + 1, some], columns, sums, sums)
