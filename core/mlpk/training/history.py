"""What a training run has seen, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from mlpk.metric import Measured
from mlpk_schemas.checks import StrCheck

__all__ = ["UNSAID", "History"]

# The reason of a callback that ended a run and gave none.
UNSAID: Final = "no reason given"
TEXT: Final = StrCheck()


@attrs.define
class History:
    """One result an epoch under each name: "loss", metrics, "val_loss", "val_..."; and the seconds.

    A result is a number, or an array where a metric gives one, such as `confusion_matrix`. The
    loss includes the penalty of a regularizer. `best_epoch` (from 1) is the epoch whose weights a
    callback put back at the end, None if they are not those of one; `notes` are sentences that
    callbacks left on how the run went; `ended` is the reason that one gave which ended it, None if
    none did. `progress` shows reason and notes at the end.
    """

    # `Any` stands for the arrays: a name tells its reader which of the two it has.
    metrics: dict[str, list[float | Any]] = attrs.field(factory=dict)
    seconds: list[float] = attrs.field(factory=list)
    best_epoch: int | None = None
    notes: list[str] = attrs.field(factory=list)
    ended: str | None = None

    def add(self, logs: Mapping[str, Measured], seconds: float) -> None:
        """Append the results of one epoch."""
        for name, value in logs.items():
            self.metrics.setdefault(name, []).append(value)
        self.seconds.append(seconds)

    def end(self, reason: str) -> None:
        """Keep why a callback ended the run; of several reasons, the first that says something."""
        said = TEXT(reason, "fit.stop", strict=True) or UNSAID
        if self.ended in (None, UNSAID):
            self.ended = said

    def __len__(self) -> int:
        """Return the number of epochs."""
        return len(next(iter(self.metrics.values()), []))
