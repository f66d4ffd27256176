"""Batches, and the rows of arrays that they are drawn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from mlpk.alarms import muted
from mlpk.arrays import Array, frozen_view
from mlpk.context import Context
from mlpk.errors import DataError, ShapeError
from mlpk.inputs import as_array, by_name, check_input, row_count
from mlpk_schemas.model import InputSpec

__all__ = ["Batch", "Rows"]


class Batch(NamedTuple):
    """Some rows: inputs and targets by name, weights or None.

    `order` lists the caller's rows that these are, from the place `start` on; None: as they stand.
    `within` ends a row's name in messages (" of batch 5").
    """

    inputs: Mapping[str, Array]
    targets: Mapping[str, Array]
    weight: Array | None
    rows: int
    start: int = 0
    order: Array | None = None
    within: str = ""

    def row(self, place: int) -> int:
        """Return which of the caller's rows lies at a place of this batch."""
        return self.start + place if self.order is None else int(self.order[self.start + place])

    def blamed(self, error: DataError, start: int = 0) -> DataError:
        """Return an error about a row counted from place `start` as one about the caller's row."""
        if error.row is None:
            return error
        row = self.row(start + error.row)
        return DataError(str(error).replace(f"row {error.row}", f"row {row}{self.within}"), row)

    def refuse_nan(self) -> None:
        """Raise a `DataError` that names the first row with a value that is not finite, if any."""
        named = {
            **{
                f"x['{name}']" if len(self.inputs) > 1 else "x": a
                for name, a in self.inputs.items()
            },
            **{
                f"y['{name}']" if len(self.targets) > 1 else "y": a
                for name, a in self.targets.items()
            },
        }
        for role, array in named.items():
            if array.dtype.kind != "f":
                continue
            bad = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))
            if bad.size:
                values = array[bad[0]].reshape(-1)
                value, row = values[~np.isfinite(values)][0], self.row(int(bad[0]))
                raise DataError(
                    f"{role}: row {row}{self.within} holds {value} as {array.dtype}; clean the data first",
                    row,
                )


class Rows:
    """Arrays cut into batches, in their order or another.

    A batch in order is a view where its dtype is right; otherwise rows are drawn into memory
    that every batch uses again. `outputs` are those that need a target.
    """

    def __init__(
        self,
        specs: Mapping[str, InputSpec],
        outputs: tuple[str, ...],
        dtype: str,
        x: object,
        y: object,
        weight: object,
        batch_size: int,
    ) -> None:
        self.inputs = by_name(x, list(specs), "x")
        if y is None:
            raise DataError("y: is missing; each row of x needs a target")
        self.targets = by_name(y, list(outputs), "y")
        for name, array in self.inputs.items():
            check_input(array, specs[name], "x" if len(specs) == 1 else f"x['{name}']")
        self.count = row_count({**self.inputs}, "x")
        for name, array in self.targets.items():
            if len(array) != self.count:
                role = "y" if len(outputs) == 1 else f"y['{name}']"
                problem = (
                    f"wanted a target for each of the {self.count} rows of x, found {len(array)}"
                )
                raise ShapeError(problem, role)
        self.weight = None if weight is None else checked_weight(weight, self.count, dtype)
        self.wanted_size = batch_size
        self.batch_size = min(batch_size, self.count)
        self._x = {name: Column(a, specs[name].dtype) for name, a in self.inputs.items()}
        self._y = {
            name: Column(a, dtype if a.dtype.kind == "f" else a.dtype)
            for name, a in self.targets.items()
        }
        self._w = None if self.weight is None else Column(self.weight, dtype)

    def role(self, output: str) -> str:
        """Return what the targets of an output are called in messages."""
        return "y" if len(self.targets) == 1 else f"y['{output}']"

    def batches(self, *, drop_last: bool) -> int:
        """Return the number of batches of an epoch."""
        whole, rest = divmod(self.count, self.batch_size)
        return whole + (rest > 0 and not drop_last)

    def epoch(
        self, order: Array | None, *, first: int = 0, drop_last: bool = False
    ) -> Iterator[Batch]:
        """Yield the batches from number `first` on; `order` lists the rows, None keeps theirs."""
        for number in range(first, self.batches(drop_last=drop_last)):
            start = number * self.batch_size
            stop = min(start + self.batch_size, self.count)
            rows = slice(start, stop) if order is None else order[start:stop]
            yield Batch(
                {name: column.draw(rows) for name, column in self._x.items()},
                {name: column.draw(rows) for name, column in self._y.items()},
                None if self._w is None else self._w.draw(rows),
                stop - start,
                start,
                order,
            )


class Column:
    """An array that batches are cut from, in the dtype that they come in."""

    def __init__(self, array: Array, dtype: DTypeLike) -> None:
        self._array = array
        self._casts = array.dtype != np.dtype(dtype)
        self._memory = Context(array.dtype)
        self._cast = Context(dtype)
        self._drawn = np.empty(0, array.dtype)

    def draw(self, rows: slice | Array) -> Array:
        """Return rows: of a slice that needs no cast a view, else memory of the next draw too."""
        if isinstance(rows, slice):
            drawn = frozen_view(self._array[rows])  # of the caller's own
        else:
            drawn = self._drawn
            if len(drawn) != len(rows):
                drawn = self._drawn = self._prepared(len(rows))
            # With mode "clip" NumPy writes straight there; the rows are known to be in range.
            self._array.take(rows, 0, drawn, "clip")
        if not self._casts:
            return drawn
        cast = self._cast.empty("cast", drawn.shape)
        with muted():  # what becomes infinite shows in the loss, and is told there
            np.copyto(cast, drawn, casting="same_kind")
        return cast

    def _prepared(self, rows: int) -> Array:
        """Return memory for so many rows, and see to it that they can be taken from the array."""
        if not self._array.flags.c_contiguous:  # `take` would copy the whole of it for every batch
            self._array = np.ascontiguousarray(self._array)
        return self._memory.empty("drawn", (rows, *self._array.shape[1:]))


def checked_weight(weight: object, rows: int, dtype: str) -> Array:
    """Return weights of rows: a number from 0 for each, finite in the model's dtype."""
    array = as_array(weight, "weight")
    if array.shape != (rows,):
        raise ShapeError(f"wanted one weight a row, shape ({rows},), found {array.shape}", "weight")
    array = array.astype(np.float64) if array.dtype.kind != "f" else array
    with muted():
        finite = np.isfinite(array.astype(dtype))
    wrong = np.flatnonzero(~(finite & (array >= 0)))
    if wrong.size:
        row = int(wrong[0])
        most = f"{np.finfo(dtype).max:.2g}, the most that {dtype} holds"
        limit = f" to {most}" if array[row] > 0 else ""
        problem = f"weight: wanted numbers from 0{limit}, found {array[row]} in row {row}"
        raise DataError(problem, row)
    return array
