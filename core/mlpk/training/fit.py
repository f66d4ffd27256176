"""The fit loop: epochs, batches, and hooks for those who watch."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import numpy as np
import pluggy

from mlpk import catalog, hookspecs
from mlpk.errors import ConfigError, DataError, DivergedError, shown
from mlpk.file import model_file
from mlpk.optimizer import Optimizer
from mlpk.streams import checked_seed, stream
from mlpk.training import resume as resuming
from mlpk.training.batch import Batch, Rows
from mlpk.training.evaluation import Evaluation, rows_or_stream
from mlpk.training.history import History
from mlpk.training.measures import Measures
from mlpk.training.objective import Objective
from mlpk.training.step import TrainingStep
from mlpk.training.updater import Updater

if TYPE_CHECKING:
    from mlpk.model import Model

__all__ = ["Fit"]


class Fit:
    """One training run, as its callbacks see it.

    `model`, `optimizer` (attached) and `seed`; `epoch` and `step` (batches) count from 1; `logs`
    has what was measured last, `history` what was measured in each epoch. `lr_factor` multiplies
    the learning rate; `rng(name)` gives random numbers that a resumed run repeats; `stop()` ends
    the run after this batch. `epochs` and `batches` (an epoch, None if unknown) are the plan.
    """

    def __init__(
        self,
        model: Model,
        x: Any,
        y: Any,
        *,
        loss: Any,
        optimizer: Any,
        epochs: int,
        batch_size: int,
        validation: Any,
        metrics: Any,
        weight: Any,
        shuffle: bool,
        drop_last: bool,
        regularizer: Any,
        accumulate: int,
        frozen: Iterable[str],
        lr_factors: Mapping[str, float],
        callbacks: Iterable[Any],
        progress: Any,
        checkpoint: str | PathLike[str] | None,
        resume: bool,
        seed: int | None,
    ) -> None:
        _check_counts(epochs=epochs, batch_size=batch_size, accumulate=accumulate)
        self.model = model
        self.seed = model.next_seed() if seed is None else checked_seed(seed)
        self.epochs = epochs
        self.epoch = 0
        self.step = 0
        self.batch = 0
        self.logs: dict[str, Any] = {}
        self.history = History()
        self.lr_factor = 1.0
        self.stopped = False
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.objective = Objective(model, loss, regularizer)
        self.source = rows_or_stream(model, x, y, weight, batch_size)
        self.frozen = list(frozen) if not isinstance(frozen, str) else frozen
        self.lr_factors = dict(lr_factors)
        self.optimizer = _attached(optimizer, model)
        self.optimizer.configure(frozen=self.frozen, lr_factors=self.lr_factors)
        self.measures = Measures(model, self.objective, metrics)
        self.batches = self._plan()
        self.training_step = TrainingStep(
            model, self.objective, self.measures, self.optimizer,
            accumulate=accumulate, frozen=self.frozen,
        )  # fmt: skip
        self._evaluation = self._prepared(validation, loss, metrics, regularizer, batch_size)
        self._rngs: dict[str, tuple[int, np.random.Generator]] = {}
        self.callbacks = _callbacks(callbacks, progress, checkpoint)
        self._hooks = pluggy.PluginManager("mlpk")
        self._hooks.add_hookspecs(hookspecs)
        for callback in reversed(self.callbacks):  # pluggy calls the last registered first
            self._hooks.register(callback)
        self._watched = bool(self._hooks.hook.mlpk_batch_end.get_hookimpls())
        if checkpoint is not None:
            model_file.check_target(fspath(checkpoint))
        if resume and checkpoint is None:
            raise ConfigError("resume", "wants checkpoint= too: the file where the run stopped")
        if checkpoint is not None:
            resuming.refuse_unresumable(self)
        self._resume_from = fspath(checkpoint) if resume and checkpoint is not None else None

    def stop(self) -> None:
        """End the run after this batch."""
        self.stopped = True

    def rng(self, name: str) -> np.random.Generator:
        """Return the generator of (seed, name, step); within a step it goes on where it was."""
        held = self._rngs.get(name)
        if held is None or held[0] != self.step:
            held = (self.step, stream(self.seed, f"callback/{name}", self.step))
            self._rngs[name] = held
        return held[1]

    def save(self, path: str | PathLike[str]) -> str:
        """Write model and training state to a file that `fit(checkpoint=, resume=True)` goes on from."""
        resuming.refuse_unresumable(self)
        state, arrays = resuming.state_of(self)
        return model_file.save(self.model, path, (state, arrays))

    def run(self) -> History:
        """Train, and return the history. Callbacks see the end also of a run that fails."""
        self._hooks.hook.mlpk_fit_begin(fit=self)
        try:
            if self._resume_from is not None:
                resuming.restore(self, self._resume_from)
            while self.epoch < self.epochs and not self.stopped:
                self._run_epoch()
        except DivergedError as error:
            error.history = self.history
            raise
        finally:
            self._hooks.hook.mlpk_fit_end(fit=self)
        return self.history

    def _run_epoch(self) -> None:
        started = time.perf_counter()
        if self.batch == 0:
            self.measures.start()
        self.epoch += 1
        for batch in self._epoch_batches():
            self.step += 1
            self.batch += 1
            self.logs = {"loss": self.training_step.run(batch, self.step, self.lr_factor)}
            if self._watched:
                self._hooks.hook.mlpk_batch_end(fit=self)
            if self.stopped:
                break
        self.training_step.finish(self.lr_factor)
        self.batch = 0
        self.logs = self.measures.results()
        if self._evaluation is not None:
            self.logs |= self._evaluation.run("val_")
        self.history.add(self.logs, time.perf_counter() - started)
        self._hooks.hook.mlpk_epoch_end(fit=self)

    def _epoch_batches(self) -> Iterator[Batch]:
        if not isinstance(self.source, Rows):
            return self.source.epoch(first=self.batch)
        order = None
        if self.shuffle:
            order = stream(self.seed, "order", self.epoch).permutation(self.source.count)
        return self.source.epoch(order, first=self.batch, drop_last=self.drop_last)

    def _plan(self) -> int | None:
        """Check data against network and loss before the first step; return the batches of an epoch."""
        if not isinstance(self.source, Rows):
            if self.source.once and self.epochs > 1:
                raise DataError(
                    f"an iterator of batches can be walked once, but epochs={self.epochs}; give a "
                    "list, or an object whose __iter__ starts again"
                )
            return self.source.batches()
        if not self.source.targets:
            raise DataError("y: is missing; each row of x needs a target")
        self.objective.check(self.source)
        batches = self.source.batches(drop_last=self.drop_last)
        rest = self.source.count % self.source.batch_size or self.source.batch_size
        smallest = self.source.batch_size if self.drop_last else rest
        for node in self.model.graph.nodes.values():
            wanted = node.declaration.min_rows if node.declaration else 1
            if smallest < wanted:
                last = "the last batch of an epoch" if batches > 1 else "the only batch"
                remedy = "pass drop_last=True or another batch_size" if batches > 1 else "give more"
                raise DataError(
                    f"{last} would have {smallest} row, but node '{node.name}' ({node.layer.kind}) "
                    f"needs at least {wanted} in training; {remedy}"
                )
        return batches

    def _prepared(
        self, validation: Any, loss: Any, metrics: Any, regularizer: Any, batch_size: int
    ) -> Evaluation | None:
        if validation is None:
            return None
        if not isinstance(validation, tuple) or len(validation) not in (2, 3):
            problem = f"wanted (x, y) or (x, y, weight), found {shown(validation)}"
            raise ConfigError("validation", problem)
        x, y, weight = (*validation, None)[:3]
        return Evaluation(
            self.model, (x, y, weight),
            loss=loss, metrics=metrics, regularizer=regularizer, batch_size=max(batch_size, 256),
        )  # fmt: skip


def _attached(optimizer: Any, model: Model) -> Updater:
    """Return an attached optimizer as it is, and any other attached with fresh slots."""
    if not isinstance(optimizer, Updater):
        return Optimizer.of(optimizer, "optimizer").attach(model)
    if optimizer.model.storage is not model.storage:
        raise ConfigError("optimizer", "is attached to another model; attach one to this")
    return optimizer


def _callbacks(callbacks: Iterable[Any], progress: Any, checkpoint: Any) -> list[Any]:
    """Return the callbacks in the order in which they run; the checkpoint comes after all others."""
    listed = list(callbacks)
    for callback in listed:
        if isinstance(callback, type) or not any(
            callable(getattr(callback, name, None))
            for name in dir(hookspecs)
            if name.startswith(("mlpk_fit_", "mlpk_batch_", "mlpk_epoch_"))
        ):
            problem = "wanted objects with hooks (mlpk_epoch_end, ...), such as "
            problem += f"mlpk.callbacks.early_stopping(patience=3); found {shown(callback)}"
            raise ConfigError("callbacks", problem)
    if progress is True:
        listed.append(catalog.current().find("callbacks", "progress")())
    elif progress not in (False, None):
        listed.append(progress)
    if checkpoint is not None:
        listed.append(catalog.current().find("callbacks", "checkpoint")(checkpoint))
    return listed


def _check_counts(**counts: object) -> None:
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ConfigError(name, f"wanted a whole number from 1, found {shown(value)}")
