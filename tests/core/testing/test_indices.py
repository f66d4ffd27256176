"""Implementations that look indices up, of a kind that draws them in a byte, or means one by -1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import Context, DataError, Declaration, Example, Implementation, Layer, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk.testing import cases

ENTRIES = 4
ANY_TYPE, OUT_OF_RANGE = "whole_numbers_of_any_type_agree", "numbers_out_of_range_are_refused"
# What indices are drawn in, and the least of them.
DRAWN = [("uint8", 0), ("int8", 0), ("int8", -1), ("int64", -1)]
States = Callable[..., dict[str, set[str]]]


@define
class Pick(Layer):
    """y = W[x - least]: the first row is that of the least index."""

    kind: ClassVar[str] = "pick"
    takes: ClassVar[tuple[str, ...]] = ("integers",)
    drawn: ClassVar[tuple[str, int]]

    least: int

    def declare(self, x: Shape) -> Declaration:
        return Declaration((*x, 2), {"weight": Param((ENTRIES, 2), "uniform")}, positions=(0,))

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        if x.min() < self.least or x.max() >= self.least + ENTRIES:
            raise DataError("wanted an index that is there", 0)
        return looked_up(self, arrays, ctx, x)

    def backward(self, arrays: Arrays, ctx: Context, rows: Array, dy: Array, grads: Grads) -> None:
        grads["weight"].fill(0)
        np.add.at(grads["weight"], rows.reshape(-1), dy.reshape(-1, 2))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        dtype, least = cls.drawn

        def draw(rng: np.random.Generator, n: int) -> Array:
            return rng.permuted(np.resize(np.arange(ENTRIES) + least, (n, 5))).astype(dtype)

        yield Example(cls(least=least), (5,), draw=draw)


def looked_up(layer: Pick, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
    """Look indices up that may lie out of range."""
    rows = ctx.empty("rows", x.shape, np.intp)
    rows[...] = x
    rows -= layer.least
    y = ctx.empty("y", (*x.shape, 2))
    return np.take(arrays["weight"], rows, axis=0, out=y, mode="clip"), rows


@pytest.fixture
def states(own_catalog: None, monkeypatch: pytest.MonkeyPatch) -> States:
    """Return what tells how the two checks of an implementation of `pick` end, in each dtype."""
    del own_catalog

    def run(drawn: tuple[str, int], forward: Callable[..., object]) -> dict[str, set[str]]:
        monkeypatch.setattr(Pick, "drawn", drawn, raising=False)

        class Plugin:
            @mlpk.hookimpl
            def mlpk_implementations(self) -> list[Implementation]:
                return [Implementation("pick", forward=forward, backward=Pick.backward)]

        mlpk.plugins.add(Pick)
        mlpk.plugins.add(Plugin())
        found: dict[str, set[str]] = {ANY_TYPE: set(), OUT_OF_RANGE: set()}
        for case in cases("_local"):
            if case.check.__name__ in found:
                found[case.check.__name__].add(case.outcome().state)
        return found

    return run


@pytest.mark.parametrize("drawn", DRAWN)
def test_what_is_right_passes(states: States, drawn: tuple[str, int]) -> None:
    """A byte holds neither -1 nor 256, and is asked for neither."""
    found = states(drawn, Pick.forward)
    assert found == {ANY_TYPE: {"passed"}, OUT_OF_RANGE: {"passed"}}


@pytest.mark.parametrize("drawn", DRAWN)
def test_what_refuses_nothing_is_found(states: States, drawn: tuple[str, int]) -> None:
    found = states(drawn, looked_up)
    assert found == {ANY_TYPE: {"passed"}, OUT_OF_RANGE: {"failed"}}


@pytest.mark.parametrize("drawn", DRAWN)
def test_a_dtype_that_is_not_understood_is_found(states: States, drawn: tuple[str, int]) -> None:
    """Where a dtype cannot hold what is drawn, the others are tried all the same."""

    def forward(layer: Pick, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        y, rows = Pick.forward(layer, arrays, ctx, x)
        if x.dtype == np.int32:
            y.fill(0)
        return y, rows

    found = states(drawn, forward)
    assert found == {ANY_TYPE: {"failed"}, OUT_OF_RANGE: {"passed"}}
