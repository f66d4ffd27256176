"""Checkpoint: the whole run in a file, again and again."""

from __future__ import annotations

from os import PathLike, fspath
from typing import TYPE_CHECKING, ClassVar

from mlpk import ConfigError, hookimpl

if TYPE_CHECKING:
    from mlpk.training import Fit


class Checkpoint:
    """Saves model and training state to `path` after every epoch, and after every `every_steps` batches.

    `fit(checkpoint=path, resume=True)` goes on from it. It runs after all other callbacks, so
    that their state of that moment is in the file.
    """

    kind: ClassVar[str] = "checkpoint"

    def __init__(self, path: str | PathLike[str], every_steps: int | None = None) -> None:
        if every_steps is not None and every_steps < 1:
            raise ConfigError("checkpoint.every_steps", f"wanted 1 or more, found {every_steps}")
        self.path = fspath(path)
        self.every_steps = every_steps

    @hookimpl(trylast=True)
    def mlpk_batch_end(self, fit: Fit) -> None:
        if self.every_steps is not None and fit.step % self.every_steps == 0:
            fit.save(self.path)

    @hookimpl(trylast=True)
    def mlpk_epoch_end(self, fit: Fit) -> None:
        fit.save(self.path)
