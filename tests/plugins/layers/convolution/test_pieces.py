"""Convolutions of large batches, which are taken piece by piece."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from mlpk_plugins.layers.conv2d import Conv2D
from mlpk_plugins.layers.parts.grid import PIECE

PIECES = [(250, 12, 11, 3), (2, 90, 80, 16)]  # many small images to a piece; few rows of one image


@pytest.mark.parametrize("filters", [4, 40])
@pytest.mark.parametrize("shape", PIECES, ids=repr)
def test_pieces_are_joined(shape, filters, alone, drawn, close):
    run = alone(Conv2D(filters, 3, bias=False), drawn(*shape))
    y = run.forward()
    windows = sliding_window_view(run.inputs[0], (3, 3), (1, 2))
    close(y, np.einsum("npqcij,ijcf->npqf", windows, run.arrays["weight"], optimize=True))
    dy = drawn(*y.shape, seed=1)
    run.backward(dy)
    close(run.grads["weight"], np.einsum("npqcij,npqf->ijcf", windows, dy, optimize=True))


def test_scratch_is_bounded_by_the_piece(alone, drawn):
    run = alone(Conv2D(8, 3, padding="same"), drawn(600, 16, 16, 8, dtype=np.float32))
    run.backward(run.forward().copy())
    batch = {"y", "dx"}
    assert run.inputs[0].nbytes > PIECE
    assert all(
        memory.nbytes <= PIECE for name, memory in run.ctx._memory.items() if name not in batch
    )
