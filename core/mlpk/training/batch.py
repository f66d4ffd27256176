"""Batches, and the rows of arrays that they are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import attrs
import numpy as np

from mlpk.arrays import Array
from mlpk.context import Context
from mlpk.errors import DataError, ShapeError
from mlpk.inputs import as_array, by_name, check_input, row_count
from mlpk_schemas.model import InputSpec

__all__ = ["Batch", "Rows"]


@attrs.frozen(eq=False)
class Batch:
    """Some rows: inputs and targets by name, weights or None. `place(i)` tells where row i came from."""

    inputs: Mapping[str, Array]
    targets: Mapping[str, Array]
    weight: Array | None
    rows: int
    place: Callable[[int], str]

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
        if self.weight is not None:
            named["weight"] = self.weight
        for role, array in named.items():
            if array.dtype.kind != "f":
                continue
            bad = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))
            if bad.size:
                row = array[bad[0]]
                value = row.reshape(-1)[~np.isfinite(row.reshape(-1))][0]
                raise DataError(
                    f"{role}: {self.place(int(bad[0]))} holds {value}; clean the data first"
                )


class Rows:
    """Arrays cut into batches, in their order or another.

    A batch in order is a view where its dtype is right; otherwise rows are drawn into memory
    that every batch uses again.
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
        self.targets = by_name(y, list(outputs), "y") if y is not None else {}
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
        self.weight = None if weight is None else checked_weight(weight, self.count)
        self.batch_size = min(batch_size, self.count)
        self._dtypes = {f"x/{name}": spec.dtype for name, spec in specs.items()}
        self._dtype = dtype
        self._memory = Context(dtype)

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
                {name: self._draw(f"x/{name}", array, rows) for name, array in self.inputs.items()},
                {
                    name: self._draw(f"y/{name}", array, rows)
                    for name, array in self.targets.items()
                },
                None if self.weight is None else self._draw("weight", self.weight, rows),
                stop - start,
                _placing(order, start),
            )

    def _draw(self, name: str, array: Array, rows: slice | Array) -> Array:
        dtype = np.dtype(
            self._dtypes.get(name, self._dtype if array.dtype.kind == "f" else array.dtype)
        )
        if isinstance(rows, slice):
            drawn = array[rows]
        else:
            memory = self._memory.empty(name, (len(rows), *array.shape[1:]), array.dtype)
            # With mode "clip" NumPy writes straight into `out`; the rows are known to be in range.
            drawn = np.take(array, rows, axis=0, out=memory, mode="clip")
        if drawn.dtype == dtype:
            return drawn
        cast = self._memory.empty(f"{name}, cast", drawn.shape, dtype)
        np.copyto(cast, drawn, casting="same_kind")
        return cast


def checked_weight(weight: object, rows: int) -> Array:
    """Return weights of rows: one number from 0 for each."""
    array = as_array(weight, "weight")
    if array.shape != (rows,):
        raise ShapeError(f"wanted one weight a row, shape ({rows},), found {array.shape}", "weight")
    array = array.astype(np.float64) if array.dtype.kind != "f" else array
    negative = np.flatnonzero(array < 0)
    if negative.size:
        row = int(negative[0])
        raise DataError(f"weight: wanted numbers from 0, found {array[row]} in row {row}", row)
    return array


def _placing(order: Array | None, start: int) -> Callable[[int], str]:
    if order is None:
        return lambda row: f"row {start + row}"
    return lambda row: f"row {int(order[start + row])}"
