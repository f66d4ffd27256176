"""Arrays that kernels read may be written to by others, or by nobody: the code is the same."""

import sys

import mlpk
import numpy as np
import pytest

pytest.importorskip("numba")


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ({"kind": "average_pool2d", "kernel_size": 2}, (4, 4, 3)),
        ("batch_norm", (4, 4, 3)),
        ({"kind": "conv2d", "filters": 8, "kernel_size": 3, "padding": "same"}, (4, 4, 3)),
        ({"kind": "lstm", "units": 8}, (5, 3)),
        ({"kind": "max_pool2d", "kernel_size": 2}, (4, 4, 3)),
    ],
)
def test_nothing_is_compiled_anew_wherever_a_layer_stands_nor_for_a_single_row(layer, shape):
    """The input of a network is read-only, and what a layer hands to the next is not."""
    go_both_ways([layer], shape, rows=3)
    before = compiled()
    assert before > 0
    go_both_ways([layer], shape, rows=1)
    go_both_ways(["tanh", layer, "tanh"], shape, rows=3)
    assert compiled() == before


def go_both_ways(layers, shape, rows):
    model = mlpk.Model(layers, input_shape=shape, seed=0)
    with mlpk.use("mlpk-numba"):
        y = model.forward(np.zeros((rows, *shape), np.float32), training=True)
        dy = np.ones_like(y)
        dy.flags.writeable = False
        model.backward(dy, inputs=True)


def compiled():
    """Return how many functions there are, each for other types, compiled or from the disk."""
    modules = [module for name, module in sys.modules.items() if name.startswith("mlpk_numba.")]
    found = {id(each): each for module in modules for each in vars(module).values()}
    return sum(len(getattr(each, "signatures", ())) for each in found.values())
