"""Metrics and losses gathered over an epoch or a whole set."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlpk.alarms import muted
from mlpk.arrays import Array
from mlpk.errors import ConfigError, DataError, shown
from mlpk.metric import ROWS, Best, Measured, Metric, MetricState
from mlpk.training.batch import Batch, Rows
from mlpk.training.blame import about, given_as
from mlpk.training.objective import Objective, aligned, known_shape, per_output, place

if TYPE_CHECKING:
    from mlpk.model import Model

__all__ = ["Measures"]


class Measures:
    """Running sums of the loss and of every metric, and the results in them.

    With several outputs a result is called "output_metric", with one just "metric".
    """

    def __init__(self, model: Model, objective: Objective | None, metrics: Any) -> None:
        self.objective = objective
        self.metrics: dict[str, tuple[str, Metric]] = {}
        self._places: dict[str, str] = {}
        for name, where, output, metric in _named(model, metrics):
            self.metrics[name] = output, metric
            self._places[name] = where
        self._graph = model.graph
        self.several = len(model.graph.outputs) > 1
        self.start()

    @property
    def outputs(self) -> set[str]:
        """The outputs that need a target: those with a loss or a metric."""
        measured = {output for output, _ in self.metrics.values()}
        return measured | set(self.objective.losses if self.objective is not None else ())

    def best(self, name: str) -> Best | None:
        """Return which way a result is better, "min" or "max"; None if nothing here says it.

        Those of a validation set go by the same name behind "val_".
        """
        of_losses = {"loss"}
        if self.several and self.objective is not None:
            of_losses |= {f"{output}_loss" for output in self.objective.losses}
        for known in (name, name.removeprefix("val_")):
            if known in self.metrics:
                return self.metrics[known][1].best
            if known in of_losses:
                return "min"
        return None

    def check(self, rows: Rows) -> None:
        """Refuse targets that do not suit the metrics, all of them at once, naming the row."""
        for name, (output, metric) in self.metrics.items():
            shape = known_shape(self._graph, output)
            if shape is not None:
                target = aligned((None, *shape), rows.targets[output])
                role = f"{rows.role(output)} for {metric.kind}"
                with given_as(self._places[name], metric.kind), about(role):
                    metric.check(shape, target)

    def start(self) -> None:
        """Forget what was gathered."""
        outputs = self.objective.losses if self.objective is not None else ()
        self.losses = dict.fromkeys(outputs, 0.0)
        self.masses = dict.fromkeys(outputs, 0.0)
        self.states: dict[str, MetricState] = {
            name: metric.start() for name, (_, metric) in self.metrics.items()
        }

    def add(self, outputs: Mapping[str, Array], batch: Batch) -> None:
        """Add a batch whose loss the objective has just computed."""
        if self.objective is not None:
            for output, value in self.objective.values.items():
                mass = self.objective.masses[output]
                self.masses[output] += mass
                self.losses[output] += value * mass
        for name, (output, metric) in self.metrics.items():
            prediction = outputs[output]
            target = aligned(prediction.shape, batch.targets[output])
            for start in range(0, batch.rows, ROWS):
                piece = slice(start, start + ROWS)
                weight = None if batch.weight is None else batch.weight[piece]
                try:
                    metric.update(self.states[name], prediction[piece], target[piece], weight)
                except DataError as error:
                    raise batch.blamed(error, start) from None

    def results(self, prefix: str = "") -> dict[str, Measured]:
        """Return the loss with the penalty, and each metric."""
        found: dict[str, Measured] = {}
        if self.objective is not None:
            means = {
                output: total / self.masses[output] if self.masses[output] else 0.0
                for output, total in self.losses.items()
            }
            with muted():
                found[f"{prefix}loss"] = sum(means.values()) + self.objective.penalty()
            if self.several:
                found |= {f"{prefix}{output}_loss": mean for output, mean in means.items()}
        with muted():
            for name, (_, metric) in self.metrics.items():
                found[f"{prefix}{name}"] = metric.result(self.states[name])
        return found

    def state(self) -> dict[str, Any]:
        """Return the sums as plain numbers and arrays, for a checkpoint inside an epoch."""
        arrays = {
            f"{name}.{key}": array
            for name, state in self.states.items()
            for key, array in state.items()
        }
        losses = {f"loss.{output}": total for output, total in self.losses.items()}
        masses = {f"mass.{output}": mass for output, mass in self.masses.items()}
        return {**losses, **masses, **arrays}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.masses = {output: state[f"mass.{output}"] for output in self.masses}
        self.losses = {output: state[f"loss.{output}"] for output in self.losses}
        for name, held in self.states.items():
            for key in held:
                held[key] = state[f"{name}.{key}"]


def _named(model: Model, metrics: Any) -> Iterator[tuple[str, str, str, Metric]]:
    """Yield name, place, output and metric of each that is given."""
    several = len(model.graph.outputs) > 1
    taken: dict[str, int] = {}
    for output, given in per_output(model, metrics, "metrics").items():
        listed = place(metrics, "metrics", output)
        if not isinstance(given, Collection | Metric):
            raise ConfigError(listed, f"wanted a list of metrics, found {shown(given)}")
        each = (
            {listed: given}
            if isinstance(given, str | Metric | Mapping)
            else {f"{listed}[{number}]": item for number, item in enumerate(given)}
        )
        for where, item in each.items():
            metric = Metric.of(item, where)
            stem = f"{output}_{metric.kind}" if several else metric.kind
            before = taken.setdefault(stem, 0)
            taken[stem] += 1
            yield (f"{stem}_{before}" if before else stem), where, output, metric
