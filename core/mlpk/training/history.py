"""What a training run has seen, epoch by epoch."""

from __future__ import annotations

import attrs

__all__ = ["History"]


@attrs.define
class History:
    """One number an epoch under each name: "loss", metrics, "val_loss", "val_..."; and the seconds.

    The loss includes the penalty of a regularizer.
    """

    metrics: dict[str, list[float]] = attrs.field(factory=dict)
    seconds: list[float] = attrs.field(factory=list)

    def add(self, logs: dict[str, float], seconds: float) -> None:
        """Append the results of one epoch."""
        for name, value in logs.items():
            self.metrics.setdefault(name, []).append(value)
        self.seconds.append(seconds)

    def __len__(self) -> int:
        """Return the number of epochs."""
        return len(next(iter(self.metrics.values()), []))
