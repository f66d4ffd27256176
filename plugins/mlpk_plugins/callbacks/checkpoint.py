"""Checkpoint: the whole run in a file, again and again."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mlpk import ConfigError, hookimpl
from mlpk.errors import shown
from mlpk.file.replacement import check_target
from mlpk.inputs import check_count
from mlpk.training.checkpoints import (
    check_earlier,
    earlier,
    identity,
    keep_as_earlier,
    settled,
    step_of,
)

if TYPE_CHECKING:
    from mlpk.training import Fit


class Checkpoint:
    """Saves model and training state to `path` after every epoch, and after every `every_steps` batches.

    `fit(checkpoint=path, resume=True)` goes on from it. It runs after all other callbacks, so
    that their state of that moment is in the file. With `keep` the last so many are kept: the
    newest at `path`, "run.mlpk", the others beside it, under the number of their step,
    "run-000700.mlpk". Only files that this run wrote are removed, and that are still as it wrote
    them. A relative path is that of the folder that is current when the callback is made.
    """

    kind: ClassVar[str] = "checkpoint"

    def __init__(
        self, path: str | PathLike[str], every_steps: int | None = None, *, keep: int = 1
    ) -> None:
        if not isinstance(path, str | PathLike):
            raise ConfigError("checkpoint.path", f"wanted the path of a file, found {shown(path)}")
        if every_steps is not None:
            check_count("checkpoint.every_steps", every_steps)
        check_count("checkpoint.keep", keep)
        self.path = settled(path)
        self.every_steps = every_steps
        self.keep = keep
        self.newest: int | None = None  # the step of what this run wrote to `path`
        self.digest: str | None = None  # of that
        self.earlier: dict[int, str] = {}  # the digests of what it wrote before and kept, by step

    @hookimpl
    def mlpk_fit_begin(self, fit: Fit) -> None:
        check_target(self.path)
        if self.keep > 1:
            check_earlier(self.path)
        self.newest, self.digest, self.earlier = None, None, {}

    @hookimpl
    def mlpk_batch_end(self, fit: Fit) -> None:
        if self.every_steps is not None and fit.step % self.every_steps == 0:
            self._save(fit)

    @hookimpl
    def mlpk_epoch_end(self, fit: Fit) -> None:
        self._save(fit)

    def state(self) -> dict[str, Any]:
        """Return which files are this run's, so that one that goes on removes these and no others."""
        if self.keep == 1 and not self.earlier:
            return {}
        return {"file": Path(self.path).name, "newest": self.newest, "earlier": list(self.earlier)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned; what is said of another file is passed over."""
        if state and state["file"] == Path(self.path).name:
            # Digests are found again: each in the next file would make that depend on where a run
            # was cut. A file ahead of the run, or of something else, is not taken for one of it.
            self.newest = state["newest"]
            self.digest = identity(self.path) if step_of(self.path) == self.newest else None
            for step in state["earlier"]:
                held = earlier(self.path, step)
                digest = identity(held) if step_of(held) == step else None
                if digest is not None:
                    self.earlier[step] = digest

    def _save(self, fit: Fit) -> None:
        self._keep_newest(fit.step)
        self.newest = fit.step
        self.digest = fit.save(self.path)
        # The file just written still names those that go now: a run that is cut short in between
        # removes them when it goes on.
        for step in list(self.earlier)[: max(len(self.earlier) - (self.keep - 1), 0)]:
            gone = earlier(self.path, step)
            if identity(gone) == self.earlier[step]:  # else it is somebody else's by now
                gone.unlink(missing_ok=True)
            del self.earlier[step]

    def _keep_newest(self, step: int) -> None:
        """Let what this run wrote last stay under the number of its step, if it is still there."""
        last, digest = self.newest, self.digest
        if self.keep == 1 or last is None or last == step or digest is None:
            return
        if identity(self.path) == digest:
            keep_as_earlier(self.path, last)
            self.earlier.pop(last, None)
            self.earlier[last] = digest
