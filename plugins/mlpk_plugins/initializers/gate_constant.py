"""A constant for each gate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import min_len

from mlpk import Example, Initializer, ShapeError, define
from mlpk.arrays import Array


@define
class GateConstant(Initializer):
    """The last axis in equal parts, one a gate, each filled with its value of `values`.

    (0, 1, 0, 0) is the bias of an LSTM whose forget gates are open at first: Jozefowicz, Zaremba
    and Sutskever, An empirical exploration of recurrent network architectures, ICML 2015.
    """

    kind: ClassVar[str] = "gate_constant"

    values: tuple[float, ...] = field(validator=min_len(1))

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], fans: tuple[int, int]
    ) -> Array:
        gates = len(self.values)
        if not shape or shape[-1] % gates:
            raise ShapeError(
                f"'gate_constant' wanted a last axis that {gates} gates divide, found shape {shape}"
            )
        return np.broadcast_to(np.repeat(self.values, shape[-1] // gates), shape).copy()

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls((0.0, 1.0)))
