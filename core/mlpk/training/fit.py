"""The fit loop: epochs, batches, and hooks for those who watch."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from math import inf
from numbers import Real
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpk.arrays import Array
from mlpk.errors import ConfigError, DivergedError, shown
from mlpk.file import model_file
from mlpk.inputs import check_count, check_flag
from mlpk.optimizer import Optimizer
from mlpk.streams import checked_seed, stream
from mlpk.summary import multiply_adds
from mlpk.training import resume as resuming
from mlpk.training.batch import Batch, Rows
from mlpk.training.blame import about
from mlpk.training.callbacks import Callbacks
from mlpk.training.checkpoints import checked
from mlpk.training.evaluation import Evaluation, rows_or_stream
from mlpk.training.feasibility import planned_batches
from mlpk.training.history import UNSAID, History
from mlpk.training.interrupts import Interrupts
from mlpk.training.measures import Measures
from mlpk.training.objective import Objective
from mlpk.training.step import TrainingStep
from mlpk.training.stream import Stream
from mlpk.training.updater import Updater
from mlpk.workers import LITTLE, MUCH

if TYPE_CHECKING:
    from mlpk.metric import Best
    from mlpk.model import Model

__all__ = ["Fit"]


class Fit:
    """One training run, as its callbacks see it.

    `model`, `optimizer` (attached) and `seed`; `epoch` and `step` (batches) count from 1; `logs`
    has what was measured last, `history` what was measured in each epoch. `lr_factor` multiplies
    the learning rate; `rng(name)` gives random numbers that a resumed run repeats; `stop(reason)`
    ends the run after this batch. `epochs` and `batches` (an epoch, None if unknown) are the plan;
    `batch` counts those of the epoch under way; `saved` says whether this run has written a file.
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
        frozen: Collection[str],
        lr_factors: Mapping[str, float],
        callbacks: Iterable[Any],
        progress: Any,
        checkpoint: str | PathLike[str] | None,
        resume: bool,
        seed: int | None,
    ) -> None:
        check_count("epochs", epochs)
        check_count("batch_size", batch_size)
        check_count("accumulate", accumulate)
        check_flag("shuffle", shuffle)
        check_flag("drop_last", drop_last)
        check_flag("resume", resume)
        self.model = model
        self.epochs = epochs
        self.epoch = 0
        self.step = 0
        self.batch = 0
        self.logs: dict[str, Any] = {}
        self.history = History()
        self._lr_factor = 1.0
        self.stopped = False
        self.saved = False
        self.shuffle = bool(shuffle)
        self.drop_last = bool(drop_last)
        self.objective = Objective(model, loss, regularizer)
        self.measures = Measures(model, self.objective, metrics)
        self.source = rows_or_stream(model, self.measures.outputs, x, y, weight, batch_size)
        self.optimizer = _attached(optimizer, model)
        self.optimizer.configure(frozen=frozen, lr_factors=lr_factors)
        self.frozen = sorted(set(frozen))
        self.lr_factors = {node: float(factor) for node, factor in lr_factors.items()}
        self.batches = planned_batches(
            model.graph, self.measures, self.source,
            epochs=epochs, drop_last=self.drop_last, frozen=self.frozen,
        )  # fmt: skip
        self.training_step = TrainingStep(
            model, self.objective, self.measures, self.optimizer,
            accumulate=accumulate, frozen=self.frozen, alone=self._leaves_blas_alone(),
        )  # fmt: skip
        self._evaluation = self._prepared(validation, loss, metrics, regularizer, batch_size)
        path = checked(checkpoint)
        self.callbacks = Callbacks(callbacks, progress, path)
        if self.callbacks.savers:
            resuming.refuse_unresumable(self)
        if resume and path is None:
            raise ConfigError("resume", "wants checkpoint= too: the file where the run stopped")
        self._interrupts = Interrupts()
        self._resume_from = path if resume else None
        self.seed_given = None if seed is None else checked_seed(seed)
        # A run that was refused has not been a run: the next one gets the same seed.
        self.seed = model.next_seed() if seed is None else checked_seed(seed)

    @property
    def validation(self) -> Rows | Stream | None:
        """What each epoch ends with an evaluation on."""
        return None if self._evaluation is None else self._evaluation.source

    @property
    def lr_factor(self) -> float:
        """The factor of the learning rate, a number from 0."""
        return self._lr_factor

    @lr_factor.setter
    def lr_factor(self, factor: float) -> None:
        # A NumPy scalar would lift float32 to float64, and not come back from a checkpoint as such.
        if isinstance(factor, bool) or not isinstance(factor, Real) or not 0 <= factor < inf:
            raise ConfigError("fit.lr_factor", f"wanted a number >= 0, found {shown(factor)}")
        self._lr_factor = float(factor)

    def streams(self) -> Iterator[tuple[str, Stream]]:
        """Yield, by name, the caller's batches whose place belongs to the state of the run."""
        if isinstance(self.source, Stream):
            yield "data", self.source
        if isinstance(self.validation, Stream) and self.validation.keeps_place:
            yield "validation", self.validation

    def best(self, name: str) -> Best | None:
        """Say which way a result in the logs is better, "min" or "max"; None if nothing tells."""
        return self.measures.best(name)

    def stop(self, reason: str = UNSAID) -> None:
        """End the run after this batch; `history.ended` has the reason, for people to read."""
        self.history.end(reason)
        self.stopped = True

    def rng(self, name: str) -> np.random.Generator:
        """Return the generator of (seed, name, step) for the hook that runs; it goes on within that."""
        return self.callbacks.rng(self.seed, name, self.step)

    def save(
        self,
        path: str | PathLike[str],
        *,
        durable: bool = True,
        trained: Mapping[str, Array] | None = None,
    ) -> str:
        """Write model and training state to a file that `fit(checkpoint=, resume=True)` goes on from.

        What the callbacks have yet to do in the hook that calls this is not in the file. Where one
        put other parameters and buffers in place at the end of the run, `trained` are those that
        training goes on with, by name: the file holds them beside the model's.
        """
        resuming.refuse_unresumable(self)
        try:
            digest = model_file.save(
                self.model, path, resuming.state_of(self, trained=trained), durable=durable
            )
        except ConfigError as error:
            # What grew with the steps: the size of it could not be known before the first.
            problem = (
                f"{error.problem}; so the run cannot be saved at step {self.step}: whatever was "
            )
            raise ConfigError(error.where, f"{problem}saved before stays as it was") from error
        self.saved = True
        return digest

    def run(self) -> History:
        """Train, and return the history. Callbacks see the end also of a run that fails.

        Ctrl-C takes effect between two steps, with all that belongs to the last of them done.
        """
        stopped_at = resuming.opened(self, self._resume_from) if self._resume_from else None
        self.model.history = self.history
        self.training_step.begin(self.seed)
        with self._interrupts:
            self.callbacks.tell("fit_begin", self)
            try:
                if self.callbacks.savers:
                    resuming.check_state(self)
                if stopped_at is not None:
                    resuming.restore(self, *stopped_at)
                while self.batch or (self.epoch < self.epochs and not self.stopped):
                    self._run_epoch()
            except DivergedError as error:
                error.history = self.history
                raise
            finally:
                with self._interrupts.whole():
                    self.callbacks.tell("fit_end", self)
        return self.history

    def _leaves_blas_alone(self) -> bool:
        """Tell whether every layer multiplies little in a batch, or so much that it shares it out.

        The threads of BLAS wait for one another in a loop: where anything else runs on their cores,
        a product of 50 us can take them milliseconds.
        """
        if not isinstance(self.source, Rows):
            return False
        rows, nodes = self.source.batch_size, self.model.graph.nodes.values()
        works = [(multiply_adds(node), node.layer.shares) for node in nodes]
        return all(
            work is not None and (work * rows <= LITTLE or (shares and work * rows >= MUCH))
            for work, shares in works
        )

    def _run_epoch(self) -> None:
        started = time.perf_counter()
        if self.batch == 0:
            self.measures.start()
        self.epoch += 1
        for batch in self._epoch_batches():
            with self._interrupts.whole():
                self.step += 1
                self.batch += 1
                self.logs = {"loss": self.training_step.run(batch, self.step, self.lr_factor)}
                self.callbacks.tell("batch_end", self)
            if self.stopped:
                break
        with self._interrupts.whole():
            self.training_step.finish(self.lr_factor)
        logs = self.measures.results()
        if self._evaluation is not None:
            with about("validation"):
                logs |= self._evaluation.run("val_")
        with self._interrupts.whole():
            self.batch = 0
            self.logs = logs
            self.history.add(self.logs, time.perf_counter() - started)
            self.callbacks.tell("epoch_end", self)

    def _epoch_batches(self) -> Iterator[Batch]:
        if self.stopped:  # by a callback in the last batch before the checkpoint
            return iter(())
        if not isinstance(self.source, Rows):
            return self.source.epoch(first=self.batch)
        order = None
        if self.shuffle:
            order = stream(self.seed, "order", self.epoch).permutation(self.source.count)
        return self.source.epoch(order, first=self.batch, drop_last=self.drop_last)

    def _prepared(
        self, validation: Any, loss: Any, metrics: Any, regularizer: Any, batch_size: int
    ) -> Evaluation | None:
        if validation is None:
            return None
        if not isinstance(validation, tuple) or len(validation) not in (2, 3):
            found = f"a {type(validation).__name__}"
            found += f" of {len(validation)}" if isinstance(validation, tuple) else ""
            problem = f"wanted a tuple, (x, y) or (x, y, weight), found {found}"
            raise ConfigError("validation", problem)
        x, y, weight = (*validation, None)[:3]
        with about("validation"):
            return Evaluation(
                self.model, (x, y, weight), loss=loss, metrics=metrics, regularizer=regularizer,
                batch_size=max(batch_size, 256),
            )  # fmt: skip


def _attached(optimizer: Any, model: Model) -> Updater:
    """Return an attached optimizer as it is, and any other attached with fresh slots."""
    if not isinstance(optimizer, Updater):
        return Optimizer.of(optimizer, "optimizer").attach(model)
    if optimizer.model is not model:
        raise ConfigError("optimizer", "is attached to another model; attach one to this")
    return optimizer
