"""A plugin that distributions of tests bring."""

from __future__ import annotations

import pytest

SWISH = """
from typing import ClassVar
import mlpk

@mlpk.define
class Swish(mlpk.Layer):
    kind: ClassVar[str] = "swish"

    def declare(self, x):
        return mlpk.Declaration(x)

    def forward(self, arrays, ctx, x):
        return x, None

    def backward(self, arrays, ctx, saved, dy, grads):
        return dy

    @classmethod
    def examples(cls):
        yield mlpk.Example(cls(), (3,))

@mlpk.hookimpl
def mlpk_layers():
    return [Swish]
"""


@pytest.fixture(scope="session")
def swish() -> str:
    """The source of a plugin with one layer, swish, which changes nothing."""
    return SWISH
