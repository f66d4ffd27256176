"""A layer alone, outside of any network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlpk import Context, Layer
from mlpk.arrays import Array
from mlpk.testing.memory import taken


class Alone:
    """A layer with inputs, arrays and a context whose scratch memory is full of NaN.

    Parameters are drawn at random, buffers start as declared; `arrays` replaces any of them.
    """

    def __init__(
        self,
        layer: Layer,
        *inputs: Array,
        training: bool = True,
        needs: tuple[bool, ...] | None = None,
        seed: int = 0,
        dtype: str | None = None,
        spoil: bool = True,
        **arrays: Any,
    ) -> None:
        real = inputs[0].dtype if inputs[0].dtype.kind == "f" else "float64"
        dtype = np.dtype(dtype or real)
        rng = np.random.default_rng(seed)
        self.layer = layer
        self.inputs = inputs
        self.declaration = layer.declare(*(x.shape[1:] for x in inputs))
        self.arrays = {
            name: rng.standard_normal(param.shape).astype(dtype)
            for name, param in self.declaration.params.items()
        }
        self.arrays |= {
            name: np.full(buffer.shape, buffer.fill, buffer.dtype or dtype)
            for name, buffer in self.declaration.buffers.items()
        }
        self.arrays |= {name: np.asarray(array, dtype) for name, array in arrays.items()}
        self.grads = {
            name: np.full(param.shape, np.nan, dtype)
            for name, param in self.declaration.params.items()
        }
        self.ctx = Context(
            dtype,
            seed=seed,
            training=training,
            needs_input_grad=needs or (True,) * len(inputs),
            spoil=spoil,
        )
        self.saved: Any = None

    def forward(self) -> Array:
        """Return the output."""
        y, self.saved = self.layer.forward(self.arrays, self.ctx, *self.inputs)
        return y

    def backward(self, dy: Array) -> tuple[Array | None, ...]:
        """Return the gradient of each input."""
        found = self.layer.backward(self.arrays, self.ctx, self.saved, dy, self.grads)
        return found if isinstance(found, tuple) else (found,)


@pytest.fixture
def alone() -> Callable[..., Alone]:
    """Return what puts a layer alone: `alone(layer, *inputs)`, then `forward()`, `backward(dy)`."""
    return Alone


@pytest.fixture
def peak() -> Callable[[Callable[[], object]], int]:
    """Return what measures the bytes that a function takes at most, once it has run twice."""
    return taken
