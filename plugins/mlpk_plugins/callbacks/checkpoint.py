"""Checkpoint: the whole run in a file, again and again."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mlpk import ConfigError, hookimpl
from mlpk.errors import shown
from mlpk.file.replacement import check_target
from mlpk.inputs import check_count
from mlpk.training.checkpoints import earlier, keep_as_earlier, step_of

if TYPE_CHECKING:
    from mlpk.training import Fit


class Checkpoint:
    """Saves model and training state to `path` after every epoch, and after every `every_steps` batches.

    `fit(checkpoint=path, resume=True)` goes on from it. It runs after all other callbacks, so
    that their state of that moment is in the file. With `keep` the last so many are kept: the
    newest at `path`, "run.mlpk", the others beside it, under the number of their step,
    "run-000700.mlpk". Only files that this run wrote are removed.
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
        self.path = fspath(path)
        self.every_steps = every_steps
        self.keep = keep
        self.newest: int | None = None  # the step of what this run wrote to `path`
        self.earlier: list[int] = []  # the steps of what it wrote before that, and kept

    @hookimpl
    def mlpk_fit_begin(self, fit: Fit) -> None:
        check_target(self.path)
        self.newest, self.earlier = None, []

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
        return {"file": Path(self.path).name, "newest": self.newest, "earlier": self.earlier}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned; what is said of another file is passed over."""
        if state and state["file"] == Path(self.path).name:
            self.newest = state["newest"]
            self.earlier = [int(step) for step in state["earlier"]]

    def _save(self, fit: Fit) -> None:
        last = self.newest
        if self.keep > 1 and last not in (None, fit.step) and step_of(self.path) == last:
            keep_as_earlier(self.path, last)
            self.earlier = [*(step for step in self.earlier if step != last), last]
        self.newest = fit.step
        fit.save(self.path)
        # The file just written still names those that go now: a run that is cut short in between
        # removes them when it goes on.
        for step in self.earlier[: max(len(self.earlier) - (self.keep - 1), 0)]:
            earlier(self.path, step).unlink(missing_ok=True)
            self.earlier.remove(step)
