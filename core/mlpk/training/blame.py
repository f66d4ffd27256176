"""Whose fault it is: errors told with the name of what was passed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlpk.errors import ConfigError, DataError, ShapeError

__all__ = ["about", "given_as"]


@contextmanager
def about(what: str) -> Iterator[None]:
    """Begin the sentence of a `DataError` or `ShapeError` with what was checked."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{what}: {error}", error.row) from None
    except ShapeError as error:
        where = f"{what}: {error.where}" if error.where else what
        raise ShapeError(error.problem, where) from None


@contextmanager
def given_as(where: str, kind: str) -> Iterator[None]:
    """Tell a `ConfigError` about a kind, or a field of it, by the place where it was given."""
    try:
        yield
    except ConfigError as error:
        if error.where == kind or error.where.startswith(f"{kind}."):
            raise error.moved(kind, where) from None
        raise
