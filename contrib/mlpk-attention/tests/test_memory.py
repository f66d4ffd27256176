"""Arrays that do not lie in C order are copied into memory that is kept from step to step."""

import tracemalloc

import numpy as np
import pytest
from mlpk import Context, Declaration, Example, Layer, define

from mlpk_attention import MultiHeadAttention, TransformerEncoderBlock

ROWS, STEPS, WIDTH = 2048, 8, 8


@define
class Turned(Layer):
    """y = x, laid with the steps before the rows, both ways."""

    kind = "turned"

    def declare(self, x):
        return Declaration(x)

    def forward(self, arrays, ctx, x):
        y = ctx.empty("y", (x.shape[1], len(x), x.shape[2])).swapaxes(0, 1)
        np.copyto(y, x)
        return y, None

    def backward(self, arrays, ctx, saved, dy, grads):
        return self.forward(arrays, ctx, dy)[0]

    @classmethod
    def examples(cls):
        yield Example(cls(), (3, 2), linear=True)


def turned(seed):
    """Return a sequence whose steps come before its rows in memory."""
    x = np.random.default_rng(seed).standard_normal((STEPS, ROWS, WIDTH)).astype(np.float32)
    return x.swapaxes(0, 1)


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (MultiHeadAttention(heads=2, rate=0.1), 1),
        (MultiHeadAttention(heads=2), 2),
        (MultiHeadAttention(heads=2, rate=0.1, causal=True), 3),
        (TransformerEncoderBlock(heads=2, rate=0.1), 1),
        (TransformerEncoderBlock(heads=2, norm=Turned()), 1),
        (TransformerEncoderBlock(heads=2, activation=Turned()), 1),
    ],
)
def test_a_step_takes_no_memory_for_turned_arrays(layer, inputs):
    mask = np.random.default_rng(0).random((ROWS, STEPS)) < 0.7
    given = (turned(1), turned(2), mask)[:inputs]
    dy = turned(3)
    params = layer.declare(*(array.shape[1:] for array in given)).params
    arrays = {name: np.ones(param.shape, np.float32) for name, param in params.items()}
    grads = {name: np.empty(param.shape, np.float32) for name, param in params.items()}
    ctx = Context("float32", needs_input_grad=(True, True, False)[:inputs])

    def step():
        _, saved = layer.forward(arrays, ctx, *given)
        layer.backward(arrays, ctx, saved, dy, grads)

    step()
    step()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        step()
        taken = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert taken < dy.nbytes / 4
