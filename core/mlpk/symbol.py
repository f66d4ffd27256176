"""Symbols: what a network is drawn with, before it has names, arrays or numbers."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from mlpk.declaration import Declaration
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

    `shape` is that of its output, without the batch axis. A symbol is told from others by
    identity: using a layer twice makes two.
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
        cls, layer: Layer, inputs: tuple[Any, ...], name: str | None, share: Symbol | None
    ) -> Symbol:
        """Return a symbol of a layer behind others; shapes are checked here, where they are written."""
        for given in (*inputs, *([share] if share is not None else [])):
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
        declaration = declared(layer, tuple(given.shape for given in inputs), name or layer.kind)
        return cls(shape=declaration.output, layer=layer, inputs=inputs, name=name, share=share)

    def __repr__(self) -> str:
        what = self.name or (self.layer.kind if self.layer else "input")
        return f"<{what}: {self.shape}>"


class Placed:
    """A layer with the name of its node, for a list of layers."""

    def __init__(self, layer: Layer, name: str) -> None:
        self.layer = layer
        self.name = name


def Input(  # noqa: N802 - the public name; it makes a symbol as a class would
    shape: tuple[int | None, ...], dtype: str | None = None, name: str | None = None
) -> Symbol:
    """Return an input of a network.

    `shape` comes without the batch axis, None for an unknown length; `dtype` is the model's
    unless given ("int64" for indices, "bool" for a mask).
    """
    try:
        spec = InputSpec(
            name="input" if name is None else name,
            shape=shape,
            dtype="float32" if dtype is None else dtype,  # type: ignore[arg-type] # checked by the record
        )
    except ConfigError as error:
        raise error.moved("InputSpec", "Input") from None
    return Symbol(shape=spec.shape, dtype=dtype, name=name)


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
        problem = f"declare must return a mlpk.Declaration, found {shown(declaration)}"
        raise ConfigError(f"{where}, {layer.kind}", problem)
    if len(declaration.output) > MOST_AXES:
        problem = f"wanted at most {MOST_AXES} axes, found {len(declaration.output)}"
        raise ShapeError(problem, where)
    return declaration
