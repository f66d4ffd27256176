"""Symbols: what a network is drawn with, before it has names, arrays or numbers."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from numpy.typing import DTypeLike

from mlpk.declaration import Declaration
from mlpk.dtypes import IN_CODE, check_taken, given_dtype, plain_name
from mlpk.errors import ConfigError, GraphError, ShapeError, shown
from mlpk_schemas.model import InputSpec

if TYPE_CHECKING:
    from mlpk.declaration import Shape
    from mlpk.layer import Layer

__all__ = ["Input", "Placed", "Symbol"]

# What an array of a file may have, and one of NumPy's oldest release that is supported.
MOST_AXES: Final = 32


class Symbol:
    """One place in a network: an input, or a layer behind others.

    `shape` is that of its output, without the batch axis; `dtype` None stands for the network's. A
    symbol is told from others by identity: using a layer twice makes two.
    """

    def __init__(
        self,
        *,
        shape: Shape,
        dtype: str | None = None,
        layer: Layer | None = None,
        inputs: tuple[Symbol, ...] = (),
        name: str | None = None,
        share: Symbol | None = None,
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.layer = layer
        self.inputs = inputs
        self.name = name
        self.share = share

    @classmethod
    def of(
        cls,
        layer: Layer,
        inputs: tuple[Any, ...],
        name: str | None,
        share: Symbol | None,
        spelt: str = IN_CODE,
    ) -> Symbol:
        """Return a symbol of a layer behind others; it is checked here, where it is written.

        `spelt` is how the dtype of an input is given, for messages.
        """
        for given in (*inputs, *([share] if share is not None else [])):
            if isinstance(given, list | tuple) and any(isinstance(one, Symbol) for one in given):
                problem = f"give several inputs one by one, {layer.kind}(...)(a, b), not in a list"
                raise ConfigError(layer.kind, f"{problem}; found {shown(given)}")
            if not isinstance(given, Symbol):
                raise ConfigError(
                    layer.kind,
                    "a layer is called with symbols (mlpk.Input(...) or another layer's "
                    f"result), found {shown(given)}; to compute with arrays, put it in a "
                    "mlpk.Model and call predict",
                )
        if not inputs:
            raise GraphError(f"{layer.kind}: wanted at least one input, found none")
        if share is not None and share.layer is None:
            raise GraphError(f"{name or layer.kind}: an input has no arrays to share")
        where = name or layer.kind
        declaration = declared(layer, tuple(given.shape for given in inputs), where)
        check_taken(layer, [(given.called, given.dtype) for given in inputs], where, spelt=spelt)
        dtype = given_dtype(layer, [given.dtype for given in inputs])
        return cls(
            shape=declaration.output,
            dtype=dtype,
            layer=layer,
            inputs=inputs,
            name=name,
            share=share,
        )

    @property
    def called(self) -> str:
        """What it is called in messages."""
        what = "the input" if self.layer is None else f"the layer {self.layer.kind}"
        return what if self.name is None else f"{what} '{self.name}'"

    def __repr__(self) -> str:
        what = self.name or (self.layer.kind if self.layer else "input")
        return f"<{what}: {self.shape}>"


class Placed:
    """A layer with the name of its node, for a list of layers."""

    def __init__(self, layer: Layer, name: str) -> None:
        self.layer = layer
        self.name = name


def Input(  # noqa: N802 - the public name; it makes a symbol as a class would
    shape: tuple[int | None, ...], dtype: DTypeLike | None = None, name: str | None = None
) -> Symbol:
    """Return an input of a network.

    `shape` comes without the batch axis, None for an unknown length; `dtype` is the model's
    unless given ("int64" for indices, "bool" for a mask; NumPy's own dtypes do, too).
    """
    named = plain_name(dtype)
    try:
        spec = InputSpec(
            name="input" if name is None else name,
            shape=shape,
            dtype="float32" if named is None else named,
        )
    except ConfigError as error:
        raise error.moved("InputSpec", "Input") from None
    return Symbol(shape=spec.shape, dtype=named, name=name)


def declared(layer: Layer, shapes: tuple[Shape, ...], where: str) -> Declaration:
    """Return a layer's declaration; an error names the node, and so does a wrong count of inputs."""
    signature = inspect.signature(layer.declare)
    try:
        signature.bind(*shapes)
    except TypeError:
        wanted = ", ".join(signature.parameters)
        raise GraphError(
            f"{where}: {layer.kind} takes the inputs ({wanted}), found {len(shapes)}"
        ) from None
    try:
        declaration = layer.declare(*shapes)
    except ShapeError as error:
        raise ShapeError(error.problem, where) from None
    except ConfigError as error:
        raise ConfigError(f"{where}, {error.where}", error.problem) from None
    except Exception as error:
        error.add_note(f"The layer {layer.kind} of {where} was asked to declare itself.")
        raise
    if not isinstance(declaration, Declaration):
        problem = f"must return a mlpk.Declaration, found {shown(declaration)}"
        raise ConfigError(where, f"{layer.kind}.declare {problem}")
    if len(declaration.output) > MOST_AXES:
        problem = f"wanted at most {MOST_AXES} axes, found {len(declaration.output)}"
        raise ShapeError(problem, where)
    return declaration
