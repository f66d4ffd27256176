"""One training step: forward, loss, backward, and an update once enough batches are gathered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import isfinite, nan
from typing import TYPE_CHECKING

import numpy as np

from mlpk import blas
from mlpk.alarms import muted
from mlpk.arrays import Array
from mlpk.errors import DataError, DivergedError
from mlpk.workers import undisturbed

if TYPE_CHECKING:
    from mlpk.model import Model
    from mlpk.training.batch import Batch
    from mlpk.training.measures import Measures
    from mlpk.training.objective import Objective
    from mlpk.training.updater import Updater

__all__ = ["TrainingStep"]


class TrainingStep:
    """What every batch of a run goes through. `accumulate` batches make one update.

    Gradients of several batches are averaged with their mass (rows, or their weights), so that
    two batches give what one of their joint size would; if the outputs' masses differ (labels to
    ignore in one of them), with the largest. Steps that go `alone` keep BLAS in one thread.
    """

    def __init__(
        self,
        model: Model,
        objective: Objective,
        measures: Measures,
        updater: Updater,
        *,
        accumulate: int,
        frozen: Collection[str],
        alone: bool,
    ) -> None:
        self.objective = objective
        self.measures = measures
        self.updater = updater
        self.accumulate = accumulate
        self.gathered = 0
        self.mass = 0.0
        self._updates_before = updater.t
        self.mean = np.zeros_like(updater.grads.flat) if accumulate > 1 else None
        self._scaled = np.empty_like(updater.grads.flat) if accumulate > 1 else None
        self._frozen = frozenset(frozen)
        self._alone = alone and blas.threads() > 1
        self._pass = model.training_pass()
        self._pass.prepare_backward(inputs=False, frozen=frozen)
        self._buffers = [(buffer, buffer.copy()) for buffer in model.buffers.values()]

    def begin(self, seed: int) -> None:
        """Derive the random numbers of the nodes from the seed of the run, which begins here."""
        self._updates_before = self.updater.t
        for ctx in self._pass.contexts.values():
            ctx.seed = seed

    def run(self, batch: Batch, number: int, lr_factor: float) -> float:
        """Return the loss of a batch, penalty included, after whatever update it completes.

        A loss that is not finite raises before anything is updated: a `DataError` naming the row
        where the data are to blame, else a `DivergedError`.
        """
        self._pass.step = number - 1
        for buffer, held in self._buffers:
            np.copyto(held, buffer)
        # Overflow on the way shows in the loss, and is told there in a sentence.
        with muted(), undisturbed() as turn:
            if self._alone:
                turn.hold()
            try:
                loss = self._forward(batch, number)
                self._pass.backward(self.objective.backward())
            except Exception:  # no update follows
                for buffer, held in self._buffers:
                    np.copyto(buffer, held)
                raise
            if self.mean is not None:
                self._gather(self.mean)
            if self.mean is None or self.gathered == self.accumulate:
                self._update(lr_factor)
        return loss

    def finish(self, lr_factor: float) -> None:
        """Update from what was gathered and is not yet used, at the end of an epoch."""
        if self.gathered:
            with muted():
                self._update(lr_factor)

    def _forward(self, batch: Batch, number: int) -> float:
        try:
            outputs = self._pass.forward(batch.inputs, training=True, frozen=self._frozen)
        except DataError as error:
            raise batch.blamed(error) from None
        loss = self.objective.forward(outputs, batch) + self.objective.penalty()
        if batch.weight is not None and _nan_without_weight(outputs, batch.weight):
            loss = nan  # no loss shows it, but 0 * nan would stand in the gradients
        if not isfinite(loss):
            batch.refuse_nan()
            raise self._diverged(loss, number)
        self.measures.add(outputs, batch)
        return loss

    def _diverged(self, loss: float, number: int) -> DivergedError:
        """Return what to say of a loss that is not finite though the data are."""
        node = self._pass.first_not_finite()
        first = (
            f"; the first to give a number that is not is node '{node.name}' ({node.layer.kind})"
            if node
            else ""
        )
        if self.updater.t == self._updates_before:
            return DivergedError(
                f"the loss is {loss} in step {number}, before the first update, though the data "
                f"are finite{first}: numbers are too large, or a layer cannot take them. Scale the data, "
                "to a mean of 0 and a deviation of 1, say; parameters and buffers are as they were"
            )
        return DivergedError(
            f"the loss became {loss} in step {number}, though the data are finite{first}: training "
            "diverged. Lower the learning rate, or bound the gradients with clip_norm; "
            "parameters and buffers are those before this step"
        )

    def _gather(self, mean: Array) -> None:
        """Take the gradients of a batch into the mean of several."""
        mass = max(self.objective.masses.values())
        self.mass += mass
        # A mean, and no sum of products: float32 holds neither these nor 1 / mass of weights of 1e-44.
        share = mass / self.mass if self.mass else 0.0
        mean *= 1 - share
        mean += np.multiply(self.updater.grads.flat, share, out=self._scaled)
        self.gathered += 1

    def _update(self, lr_factor: float) -> None:
        if self.mean is not None:
            np.copyto(self.updater.grads.flat, self.mean)
            self.mean.fill(0)
            self.mass, self.gathered = 0.0, 0
        self.objective.add_penalty_gradient()
        self.updater.advance(lr_factor)


def _nan_without_weight(outputs: Mapping[str, Array], weight: Array) -> bool:
    """Tell whether a row of weight 0, which counts for nothing in a loss, came out as nan."""
    return not weight.all() and any(
        bool(np.isnan(output[weight == 0]).any()) for output in outputs.values()
    )
