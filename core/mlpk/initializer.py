"""The interface of first values, and how they come into a network."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mlpk.alarms import muted
from mlpk.arrays import Array
from mlpk.errors import ConfigError, ShapeError, UnknownKindError, shown
from mlpk.kind import Kind
from mlpk.streams import stream

if TYPE_CHECKING:
    from mlpk.declaration import Param

__all__ = ["Initializer", "draw_into"]


class Initializer(Kind):
    """Draws the first values of a parameter."""

    family: ClassVar[str] = "initializers"

    @abstractmethod
    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], fans: tuple[int, int]
    ) -> Array:
        """Return float64 values of `shape`; `fans` are (in, out), per gate or group where there are such."""


def draw_into(array: Array, param: Param, name: str, seed: int) -> None:
    """Fill the array of a parameter with first values, drawn from a stream of its own.

    Whatever goes wrong names the array: an initializer that is unknown or has no values for this
    shape, and values of another shape or beyond what the array's dtype holds.
    """
    where = f"{name}, init"
    try:
        initializer = Initializer.of(param.init, where)
    except UnknownKindError as error:
        raise ConfigError(where, str(error)) from error
    with muted():
        values = _drawn(initializer, stream(seed, f"init/{name}"), param, name)
        if np.shape(values) != param.shape:
            raise ShapeError(
                f"wanted first values of shape {param.shape}, found {np.shape(values)} "
                f"from {initializer}",
                name,
            )
        if np.asarray(values).dtype.kind not in "biuf":
            problem = f"wanted numbers from '{initializer.kind}', found {shown(values)}"
            raise ConfigError(where, problem)
        array[...] = values
    finite = np.isfinite(array)
    if not finite.all():
        raise _beyond(where, initializer, f"{values[~finite].flat[0]:.3g}", array.dtype)


def _drawn(initializer: Initializer, rng: np.random.Generator, param: Param, name: str) -> Array:
    """Return what an initializer draws, or raise what is wrong with it, naming the array."""
    try:
        return initializer.draw(rng, param.shape, param.in_and_out)
    except ShapeError as error:
        raise ShapeError(error.problem, error.where or name) from None
    except OverflowError as error:
        where = f"{name}, init"
        raise _beyond(where, initializer, f"an overflow ({error})", np.dtype("float64")) from None
    except MemoryError:
        raise ShapeError(
            f"'{initializer.kind}' draws values of shape {param.shape} as float64, which takes more "
            "memory than there is; make the network smaller",
            name,
        ) from None
    except Exception as error:
        error.add_note(f"'{initializer.kind}' was asked for the first values of {name}.")
        raise


def _beyond(where: str, initializer: Initializer, value: str, dtype: np.dtype[Any]) -> ConfigError:
    return ConfigError(
        where,
        f"wanted finite first values, but {initializer} ('{initializer.kind}') gives {value}; "
        f"{dtype} holds numbers up to {np.finfo(dtype).max:.3g}",
    )
