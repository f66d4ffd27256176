"""The interface of layers: frozen descriptions and pure functions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from mlpk.arrays import Array, Arrays, Grads
from mlpk.context import Context
from mlpk.declaration import Declaration
from mlpk.example import Example
from mlpk.kind import Kind

if TYPE_CHECKING:
    from mlpk.symbol import Placed, Symbol

__all__ = ["Layer"]


class Layer(Kind):
    """A function from one or more inputs to one output, with the way back.

    A layer owns no array and remembers nothing: parameters, buffers, scratch memory and random
    numbers come in as arguments. `gives` says what the output means ("real", "probabilities", or
    "same" as its inputs); a loss compares it with what it takes. `takes` says what each input
    may hold ("real" numbers, "integers", "bool" or "any"; further inputs the last of them): a
    network that feeds it something else is refused when it is built. A layer that takes "any" as
    its first input gives the same dtype, all others give the network's. `wraps` is for layers that
    hold others: for each such field, what stands before the names of the arrays of a copy of it.
    `shares` tells that the layer shares its products of `mlpk.workers.MUCH` multiply-adds or more out
    to threads wherever BLAS keeps to one (`mlpk.workers.single`): `fit` then sees to that.
    """

    family: ClassVar[str] = "layers"
    gives: ClassVar[str] = "real"
    takes: ClassVar[tuple[str, ...]] = ("real",)
    wraps: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    shares: ClassVar[bool] = False

    @abstractmethod
    def declare(self, *inputs: Any, **_: Any) -> Declaration:
        """Return the output's shape, the params and the buffers for inputs of these shapes.

        Shapes come without the batch axis; None is an unknown length. Allocates nothing; refuses
        a wrong shape with `ShapeError`.
        """

    @abstractmethod
    def forward(self, arrays: Arrays, ctx: Context, *inputs: Any, **_: Any) -> tuple[Array, Any]:
        """Return the output and what `backward` will need."""

    @abstractmethod
    def backward(
        self, arrays: Arrays, ctx: Context, saved: Any, doutput: Array, grads: Grads
    ) -> Array | tuple[Array | None, ...] | None:
        """Write `grads[name]` for each param, and return one gradient an input, in its shape.

        None stands for one that nobody reads: `ctx.needs_input_grad` tells. Where somebody does,
        None is refused; a layer that ends learning on purpose returns zeros.
        """

    def check(self, *inputs: Any) -> None:
        """Refuse values that `forward` cannot take, with a `DataError` that names the row.

        Called before anything runs with all rows of the inputs that come from the caller, in the
        dtype that they were given in; None stands for an input that another node feeds.
        """

    @classmethod
    @abstractmethod
    def examples(cls) -> Iterator[Example]:
        """Yield small instances that show every branch of the layer."""

    def __call__(
        self, *inputs: Symbol, name: str | None = None, share: Symbol | None = None
    ) -> Symbol:
        """Put a node of this layer behind others; with `share`, on the arrays of that node."""
        from mlpk.symbol import Symbol  # noqa: PLC0415 - symbols hold layers

        return Symbol.of(self, inputs, name, share)

    def named(self, name: str) -> Placed:
        """Return this layer with the name that its node shall have, for a list of layers."""
        from mlpk.symbol import Placed  # noqa: PLC0415 - symbols hold layers

        return Placed(self, name)
