"""Evaluation: loss and metrics over a whole set, in evaluation mode."""

from __future__ import annotations

from collections.abc import Collection
from math import isfinite
from typing import TYPE_CHECKING, Any

from mlpk.alarms import muted
from mlpk.errors import ConfigError, DataError
from mlpk.metric import Measured
from mlpk.training.batch import Rows
from mlpk.training.measures import Measures
from mlpk.training.objective import Objective
from mlpk.training.stream import Stream, is_stream
from mlpk.training.values import check_values
from mlpk.workers import undisturbed

if TYPE_CHECKING:
    from mlpk.model import Model

__all__ = ["Evaluation", "evaluate", "rows_or_stream"]


class Evaluation:
    """A model, a set and what to measure on it; `run` may be called again after training."""

    def __init__(
        self,
        model: Model,
        data: tuple[Any, Any, Any],
        *,
        loss: Any,
        metrics: Any,
        regularizer: Any,
        batch_size: int,
    ) -> None:
        objective = None if loss is None else Objective(model, loss, regularizer)
        self._measures = Measures(model, objective, metrics)
        if objective is None and not self._measures.metrics:
            raise ConfigError("evaluate", "wanted a loss=, metrics=[...] or both, found neither")
        self.source = rows_or_stream(model, self._measures.outputs, *data, batch_size)
        if isinstance(self.source, Rows):
            if objective is not None:
                objective.check(self.source)
            self._measures.check(self.source)
            check_values(model.graph, self.source.inputs)
        self._objective = objective
        self._pass = model.new_pass(training=False)

    def run(self, prefix: str = "") -> dict[str, Measured]:
        """Return the results by name."""
        self._measures.start()
        batches = self.source.epoch(None) if isinstance(self.source, Rows) else self.source.epoch()
        for batch in batches:
            with muted(), undisturbed():  # overflow on the way shows in the results
                try:
                    outputs = self._pass.forward(batch.inputs, training=False)
                except DataError as error:
                    raise batch.blamed(error) from None
                if self._objective is not None:
                    value = self._objective.forward(outputs, batch)
                    if not isfinite(value):
                        batch.refuse_nan()
                self._measures.add(outputs, batch)
        return self._measures.results(prefix)


def evaluate(
    model: Model,
    x: Any,
    y: Any,
    weight: Any,
    *,
    loss: Any,
    metrics: Any,
    regularizer: Any,
    batch_size: int,
) -> dict[str, Measured]:
    """Return the results of one evaluation."""
    evaluation = Evaluation(
        model,
        (x, y, weight),
        loss=loss,
        metrics=metrics,
        regularizer=regularizer,
        batch_size=batch_size,
    )
    return evaluation.run()


def rows_or_stream(
    model: Model, needed: Collection[str], x: Any, y: Any, weight: Any, batch_size: int
) -> Rows | Stream:
    """Return the data as rows of arrays, or as the caller's own batches.

    `needed` are the outputs that need a target.
    """
    graph = model.graph
    outputs = tuple(output for output in graph.outputs if output in needed)
    if not is_stream(x, list(graph.inputs)):
        return Rows(graph.inputs, outputs, graph.dtype, x, y, weight, batch_size)
    if y is not None or weight is not None:
        raise DataError(
            "y and weight: batches bring their own, (x, y) or (x, y, weight); leave these out"
        )
    return Stream(graph.inputs, outputs, graph.dtype, x)
