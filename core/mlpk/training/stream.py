"""Batches that the caller makes: any iterable of (x, y) or (x, y, weight)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mlpk.alarms import muted
from mlpk.errors import DataError, ShapeError, shown
from mlpk.inputs import by_name, check_input, converted, refuse_list, row_count
from mlpk.training.batch import Batch, checked_weight
from mlpk.training.blame import about
from mlpk_schemas.model import InputSpec

__all__ = ["Stream", "is_stream"]


def is_stream(x: object, inputs: Sequence[str]) -> bool:
    """Tell an iterable of batches from an array or a dict of arrays by the names of the `inputs`.

    A bare tuple or list of arrays is neither: it is refused with advice.
    """
    if isinstance(x, Mapping) or hasattr(x, "__array__") or not isinstance(x, Iterable):
        return False
    if isinstance(x, str | bytes):
        return False
    if isinstance(x, tuple) or (isinstance(x, list) and not all(isinstance(b, tuple) for b in x)):
        refuse_list(x, inputs, "x")
    return True


class Stream:
    """The caller's batches, checked one by one. `outputs` are those that need a target.

    An iterator that is its own can be walked once. To go on in the middle of a walk, the source
    needs `state()` and `restore(state)`, after which its next `iter` goes on there; a sequence is
    entered again at a place, and may have the two for what else changes in it.
    """

    def __init__(
        self,
        specs: Mapping[str, InputSpec],
        outputs: tuple[str, ...],
        dtype: str,
        source: Iterable[Any],
    ) -> None:
        self.specs = specs
        self.outputs = outputs
        self.dtype = dtype
        self.source = source
        self.once = iter(source) is source if isinstance(source, Iterator) else False
        self._walked = False

    @property
    def keeps_place(self) -> bool:
        """Whether the source itself tells a state and takes it back."""
        return callable(getattr(self.source, "state", None)) and callable(
            getattr(self.source, "restore", None)
        )

    @property
    def can_resume(self) -> bool:
        """Whether the place in the stream can be told and found again."""
        return isinstance(self.source, Sequence) or self.keeps_place

    def state(self) -> Any:
        """Return what the source says of its place; nothing if a sequence has nothing to say."""
        return self.source.state() if self.keeps_place else {}  # type: ignore[attr-defined] # keeps_place saw to it

    def restore(self, state: Mapping[str, Any]) -> None:
        """Hand its state back to the source."""
        if self.keeps_place:
            self.source.restore(dict(state))  # type: ignore[attr-defined] # likewise

    def batches(self) -> int | None:
        """Return the number of batches of an epoch, if the source can tell."""
        return len(self.source) if isinstance(self.source, Sequence) else None

    def epoch(self, *, first: int = 0) -> Iterator[Batch]:
        """Yield the batches of one walk; a sequence is entered at number `first`."""
        if self.once and self._walked:
            raise DataError(
                "the iterator of batches is used up after one epoch; give a list, or an object "
                "whose __iter__ starts again"
            )
        self._walked = True
        number = first - 1
        for number, given in enumerate(self._walk(first), start=first):
            with muted():  # what a cast makes infinite shows in the loss, and is told there
                batch = self._batch(given, number)
            yield batch
        if number < 0:
            raise DataError("wanted at least one batch, found none in the iterable")

    def _walk(self, first: int) -> Iterable[Any]:
        if not isinstance(self.source, Sequence):
            return self.source
        return (self.source[number] for number in range(first, len(self.source)))

    def _batch(self, given: Any, number: int) -> Batch:
        where = f"batch {number}"
        if not isinstance(given, tuple) or len(given) not in (2, 3):
            raise DataError(f"{where}: wanted (x, y) or (x, y, weight), found {shown(given)}")
        inputs = by_name(given[0], list(self.specs), f"{where}, x")
        targets = by_name(given[1], list(self.outputs), f"{where}, y")
        for name, array in inputs.items():
            check_input(array, self.specs[name], f"{where}, x")
            inputs[name] = converted(array, self.specs[name])
        rows = row_count(inputs, f"{where}, x")
        for name, array in targets.items():
            if len(array) != rows:
                problem = f"wanted a target for each of its {rows} rows, found {len(array)}"
                raise ShapeError(problem, f"{where}, y")
            if array.dtype.kind == "f":
                targets[name] = np.asarray(array, self.dtype)
        weight = given[2] if len(given) == 3 else None  # noqa: PLR2004 - the third of a batch
        if weight is not None:
            with about(where):
                weight = np.asarray(checked_weight(weight, rows, self.dtype), self.dtype)
        return Batch(inputs, targets, weight, rows, within=f" of batch {number}")
