"""Constant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import field
from attrs.validators import ge

from mlpk import Example, Schedule, define


@define
class Constant(Schedule):
    """lr(t) = lr. lr >= 0."""

    kind: ClassVar[str] = "constant"

    lr: float = field(validator=ge(0))

    def at(self, t: int) -> float:
        return self.lr

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(0.1))
