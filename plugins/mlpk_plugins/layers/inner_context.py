"""What a layer inside another gets from outside."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from mlpk import Context
from mlpk.arrays import Array


class InnerContext(Context):
    """The context of a node, for one of the layers that its own layer wraps.

    Mode, memory and random numbers are the node's; each name of scratch memory gets `name` in
    front, so that the layers inside do not meet. It holds nothing and is made for a call.
    """

    def __init__(self, outer: Context, name: str) -> None:
        super().__init__(
            outer.dtype,
            seed=outer.seed,
            training=outer.training,
            needs_input_grad=outer.needs_input_grad,
        )
        self.step = outer.step
        self._outer = outer
        self._name = name

    @property
    def rng(self) -> np.random.Generator:
        return self._outer.rng

    def empty(self, name: str, shape: tuple[int, ...], dtype: DTypeLike | None = None) -> Array:
        return self._outer.empty(f"{self._name}/{name}", shape, dtype)
