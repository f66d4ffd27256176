"""One cycle."""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, pi
from typing import ClassVar

from attrs import field
from attrs.validators import and_, ge, gt, lt

from mlpk import Example, Schedule, define


@define
class OneCycle(Schedule):
    """Half a cosine from start * lr up to lr at t = rise * steps, then half a one down to end * lr.

    lr is the highest rate; end * lr is reached at t = steps, and stays. lr >= 0, steps >= 1,
    0 < rise < 1, start >= 0, end >= 0. L. N. Smith and N. Topin, Super-convergence: very fast
    training of neural networks using large learning rates, 2018, in the cosine form, and with
    the numbers, of fastai 1.
    """

    kind: ClassVar[str] = "one_cycle"

    lr: float = field(validator=ge(0))
    steps: int = field(validator=ge(1))
    rise: float = field(default=0.3, validator=and_(gt(0), lt(1)))
    start: float = field(default=0.04, validator=ge(0))
    end: float = field(default=4e-6, validator=ge(0))

    def at(self, t: int) -> float:
        peak = self.rise * self.steps
        if t < peak:
            return self.lr * _between(self.start, 1, t / peak)
        return self.lr * _between(1, self.end, (min(t, self.steps) - peak) / (self.steps - peak))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(0.1, steps=10))


def _between(first: float, last: float, part: float) -> float:
    """Return a number on half a cosine from first (part 0) to last (part 1)."""
    return last + (first - last) * (1 + cos(pi * part)) / 2
