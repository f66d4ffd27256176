"""Bidirectional: a recurrent layer from the first step on, and another from the last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, ShapeError, define
from mlpk.arrays import Array, Arrays, Grads, Views
from mlpk.declaration import Shape, known
from mlpk_plugins.layers.gru import GRU
from mlpk_plugins.layers.lstm import LSTM
from mlpk_plugins.layers.parts.recurrence import sequence_and_mask

T = TypeVar("T")
FORWARD, BACKWARD = "forward", "backward"


@define
class Bidirectional(Layer):
    """y = [f(x), reversed(g(reversed(x)))], joined on the last axis; reversed in time.

    f and g are two copies of `layer`, each with arrays of its own, "forward_weight" and
    "backward_weight" for its "weight", and so on. x (n, T, n_in), and maybe a mask (n, T), bool ->
    (n, 2 units) where `layer` gives (n, units), or (n, T, 2 units) where it gives (n, T, units).
    Where that is the state after the last step, g's is the state after the first.

    Schuster and Paliwal, Bidirectional recurrent neural networks, IEEE Transactions on Signal
    Processing 1997.
    """

    kind: ClassVar[str] = "bidirectional"
    takes: ClassVar[tuple[str, ...]] = ("real", "bool")
    wraps: ClassVar[Mapping[str, tuple[str, ...]]] = {"layer": (f"{FORWARD}_", f"{BACKWARD}_")}

    layer: Layer

    def declare(self, x: Shape, mask: Shape | None = None) -> Declaration:
        inner = self.layer.declare(*_given(x, mask))
        if len(x) != 2 or len(inner.output) not in (1, 2):  # noqa: PLR2004 - with time, or without
            raise ShapeError(
                "wanted a layer from (time, features) to (time, units) or (units,), found "
                f"'{self.layer.kind}', from {x} to {inner.output}"
            )
        return Declaration(
            (*inner.output[:-1], 2 * known(inner.output[-1])),
            _doubled(inner.params),
            _doubled(inner.buffers),
            min_rows=inner.min_rows,
            positions=inner.positions,
        )

    def forward(
        self, arrays: Arrays, ctx: Context, x: Array, mask: Array | None = None
    ) -> tuple[Array, tuple[Any, Any]]:
        inputs = _given(x, mask)
        first, saved = self.layer.forward(_of(FORWARD, arrays), ctx.inner(FORWARD), *inputs)
        turned = (array[:, ::-1] for array in inputs)
        second, saved_second = self.layer.forward(
            _of(BACKWARD, arrays), ctx.inner(BACKWARD), *turned
        )
        y = ctx.empty("y", (*first.shape[:-1], 2 * first.shape[-1]))
        np.concatenate((first, _turned(second)), axis=-1, out=y)
        return y, (saved, saved_second)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: tuple[Any, Any], dy: Array, grads: Grads
    ) -> Array | tuple[Array | None, ...] | None:
        units = dy.shape[-1] // 2
        dfirst, dsecond = (
            self.layer.backward(_of(name, arrays), ctx.inner(name), its, dits, _of(name, grads))
            for name, its, dits in (
                (FORWARD, saved[0], dy[..., :units]),
                (BACKWARD, saved[1], _turned(dy[..., units:])),
            )
        )
        dx = _sum(ctx, _of_sequence(dfirst), _of_sequence(dsecond))
        return dx if len(ctx.needs_input_grad) == 1 else (dx, None)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(LSTM(units=2)), (4, 3))
        yield Example(cls(GRU(units=2, return_sequences=True)), (None, 3))
        for layer in (GRU(units=2), LSTM(units=2, return_sequences=True)):
            yield Example(cls(layer), (None, 3), (None,), draw=sequence_and_mask)


def _given(x: T, mask: T | None) -> tuple[T, ...]:
    return (x,) if mask is None else (x, mask)


def _turned(y: Array) -> Array:
    """Return a sequence (n, T, units) with time reversed, a state (n, units) as it is."""
    return y[:, ::-1] if y.ndim == 3 else y  # noqa: PLR2004 - rows, time, units


def _doubled(inner: Mapping[str, T]) -> dict[str, T]:
    return {f"{d}_{name}": item for d in (FORWARD, BACKWARD) for name, item in inner.items()}


def _of(direction: str, arrays: Arrays) -> Arrays:
    """Return the arrays of one direction by the names that its layer knows."""
    prefix = f"{direction}_"
    return Views(
        {
            name.removeprefix(prefix): array
            for name, array in arrays.items()
            if name.startswith(prefix)
        }
    )


def _of_sequence(dinputs: Array | tuple[Array | None, ...] | None) -> Array | None:
    """Return the gradient of the first input."""
    return dinputs[0] if isinstance(dinputs, tuple) else dinputs


def _sum(ctx: Context, dfirst: Array | None, dsecond: Array | None) -> Array | None:
    """Return the gradient of x from those of x and of x reversed, if anybody reads it."""
    if dfirst is None or dsecond is None:
        return None
    return np.add(dfirst, dsecond[:, ::-1], out=ctx.empty("dx", dfirst.shape))
