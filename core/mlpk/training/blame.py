"""Whose fault it is: errors in data, told with the name of what was passed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlpk.errors import DataError, ShapeError

__all__ = ["about"]


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
