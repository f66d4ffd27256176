"""What a training run has seen, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from mlpk.metric import Measured

__all__ = ["History"]


@attrs.define
class History:
    """One result an epoch under each name: "loss", metrics, "val_loss", "val_..."; and the seconds.

    A result is a number, or an array where a metric gives one, such as `confusion_matrix`. The
    loss includes the penalty of a regularizer. `best_epoch` (from 1) is the epoch whose weights a
    callback put back at the end, None if they are not those of one; `notes` are sentences that
    callbacks left on how the run went, which `progress` shows at its end; that of one which stopped
    the run says that it "ended the run".
    """

    # `Any` stands for the arrays: a name tells its reader which of the two it has.
    metrics: dict[str, list[float | Any]] = attrs.field(factory=dict)
    seconds: list[float] = attrs.field(factory=list)
    best_epoch: int | None = None
    notes: list[str] = attrs.field(factory=list)

    def add(self, logs: Mapping[str, Measured], seconds: float) -> None:
        """Append the results of one epoch."""
        for name, value in logs.items():
            self.metrics.setdefault(name, []).append(value)
        self.seconds.append(seconds)

    def __len__(self) -> int:
        """Return the number of epochs."""
        return len(next(iter(self.metrics.values()), []))
