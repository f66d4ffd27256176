"""A prediction and a target: what the examples of losses and metrics draw."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array
from mlpk.example import Example

__all__ = ["draws_a_pair", "pair"]

COUNT = 2


def draws_a_pair(example: Example) -> bool:
    """Tell whether an example has two inputs, as far as is known before it draws them."""
    return example.draw is not None or len(example.input_shapes) == COUNT


def pair(example: Example, rows: int) -> tuple[Array, Array]:
    """Return so many rows of a prediction and a target."""
    drawn = example.inputs(np.random.default_rng(0), rows)
    assert len(drawn) == COUNT, f"wanted a prediction and a target, drawn were {len(drawn)} arrays"
    prediction, target = drawn
    return prediction, target
