"""Small instances of a kind, for the conformance kit, the docs and the benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mlpk.kind import Kind

__all__ = ["Example"]


class Example:
    """One instance and the inputs it takes.

    `input_shapes` come without the batch axis. `draw(rng, n)` makes the inputs (one array, or a
    tuple) for n rows where random normals can't: indices, masks, values away from a kink.
    `linear` says that the output is linear in the inputs up to a constant.
    """

    def __init__(
        self,
        instance: Kind,
        *input_shapes: tuple[int | None, ...],
        draw: Callable[[np.random.Generator, int], Any] | None = None,
        linear: bool = False,
    ) -> None:
        self.instance = instance
        self.input_shapes = input_shapes
        self.draw = draw
        self.linear = linear

    def inputs(self, rng: np.random.Generator, n: int) -> tuple[Any, ...]:
        """Return n rows of each input; an unknown length becomes 5."""
        if self.draw is None:
            return tuple(
                rng.standard_normal((n, *(5 if length is None else length for length in shape)))
                for shape in self.input_shapes
            )
        drawn = self.draw(rng, n)
        return drawn if isinstance(drawn, tuple) else (drawn,)

    def __repr__(self) -> str:
        shapes = ", ".join(str(shape) for shape in self.input_shapes)
        return f"{self.instance!r} on {shapes}" if shapes else repr(self.instance)
