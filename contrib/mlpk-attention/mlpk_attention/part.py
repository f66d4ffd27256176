"""A layer inside another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from mlpk import Buffer, Context, Layer, Param
from mlpk.arrays import Array, Arrays, Grads, Views

T = TypeVar("T", Param, Buffer)


class Part(NamedTuple):
    """One layer of those that another wraps; its arrays are called NAME_ and their own name.

    Something stands before it that learns, or may learn: it works out the gradients of all its
    inputs but a mask.
    """

    name: str
    layer: Layer

    def named(self, arrays: Mapping[str, T]) -> dict[str, T]:
        """Return params or buffers of its declaration by the names that they have outside."""
        return {f"{self.name}_{local}": item for local, item in arrays.items()}

    def forward(self, arrays: Arrays, ctx: Context, *inputs: Array) -> tuple[Array, Any]:
        """Return the output and what the way back needs."""
        return self.layer.forward(self._own(arrays), self._inner(ctx, len(inputs)), *inputs)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Any, dy: Array, grads: Grads, *, inputs: int = 1
    ) -> Any:
        """Write the gradients of its params; return those of its inputs."""
        inner = self._inner(ctx, inputs)
        return self.layer.backward(self._own(arrays), inner, saved, dy, self._own(grads))

    def _inner(self, ctx: Context, inputs: int) -> Context:
        inner = ctx.inner(self.name)
        inner.needs_input_grad = (True, True, False)[:inputs]
        return inner

    def _own(self, arrays: Mapping[str, Array]) -> Views:
        """Return its arrays by the names that it knows."""
        start = f"{self.name}_"
        return Views(
            {
                name.removeprefix(start): array
                for name, array in arrays.items()
                if name.startswith(start)
            }
        )
