"""What training makes small: the losses of all outputs, and the penalty on the weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpk import catalog
from mlpk.arrays import Array
from mlpk.choice import by, method
from mlpk.context import Context
from mlpk.errors import (
    ConfigError,
    DataError,
    GraphError,
    MlpkError,
    PluginError,
    ShapeError,
    nearest,
    told,
)
from mlpk.loss import Loss
from mlpk.metric import ROWS
from mlpk.regularizer import Regularizer
from mlpk.training.batch import Batch, Rows
from mlpk.training.blame import about, given_as

if TYPE_CHECKING:
    from mlpk.graph import Graph
    from mlpk.model import Model

__all__ = ["Objective", "aligned", "known_shape", "per_output", "place"]


class Objective:
    """A loss an output, summed, plus a regularizer's penalty on the parameters that decay.

    `losses` go by output. After `forward`, `values` has the loss of each, and `masses` what the
    batch counts for in it: its rows, or the sum of their weights.
    """

    def __init__(self, model: Model, loss: Any, regularizer: Any = None) -> None:
        each = per_output(model, loss, "loss")
        self._places = {output: place(loss, "loss", output) for output in each}
        self.losses: dict[str, Loss] = {
            output: Loss.of(given, self._places[output]) for output, given in each.items()
        }
        for output, made in self.losses.items():
            _check_meaning(model.graph, output, made)
        self.regularizer = (
            None if regularizer is None else Regularizer.of(regularizer, "regularizer")
        )
        self.values: dict[str, float] = {}
        self.masses: dict[str, float] = {}
        self._model = model
        self._contexts = {
            output: Context(model.dtype, name=f"loss/{output}") for output in self.losses
        }
        self._saved: dict[str, Any] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._checked: set[str] = set()
        self._choose()
        decaying = [name for name, param in model.graph.params.items() if param.decay]
        self._penalised = decaying if self.regularizer is not None else []

    def check(self, rows: Rows) -> None:
        """Refuse targets that do not suit the losses, all of them at once, naming the row.

        Refused, too, are sets where nothing would count, or more than can be counted.
        """
        dtype = self._model.dtype
        weight = None if rows.weight is None else np.asarray(rows.weight, dtype)
        if weight is not None and not weight.any():
            found = f"{rows.count} of weight 0 in {dtype}"
            raise DataError(f"weight: wanted some rows that count, found {found}")
        for output, loss in self.losses.items():
            shape = known_shape(self._model.graph, output)
            if shape is not None:
                target = aligned((None, *shape), rows.targets[output])
                with given_as(self._places[output], loss.kind), about(rows.role(output)):
                    loss.check(shape, target)
                    _check_mass(loss, dtype, shape, target, weight)
                self._checked.add(output)

    def forward(self, outputs: Mapping[str, Array], batch: Batch) -> float:
        """Return the loss of a batch, without the penalty.

        Targets that `check` has not seen are checked here.
        """
        if self._chosen_in is not catalog.in_force:
            self._choose()
        for output, loss in self.losses.items():
            prediction = outputs[output]
            target = aligned(prediction.shape, batch.targets[output])
            self._shapes[output] = prediction.shape
            ctx = self._contexts[output]
            try:
                if output not in self._checked:
                    loss.check(prediction.shape[1:], target)
                self.values[output], self._saved[output] = self._forward[output](
                    ctx, prediction, target, batch.weight
                )
            except DataError as error:
                raise batch.blamed(error) from None
            except (MlpkError, MemoryError):
                raise
            except Exception as error:
                raise self._accident(error, output, "forward") from error
            self.masses[output] = loss.mass(ctx, prediction.shape, target, batch.weight)
        return sum(self.values.values())

    def backward(self) -> dict[str, Array]:
        """Return the gradient by each output, of the last forward."""
        return {output: self._gradient(output) for output in self.losses}

    def _choose(self) -> None:
        """Find out what computes each loss, anew where another catalog is in force."""
        active, model = catalog.current(), self._model
        self._forward, self._backward, self._by = {}, {}, {}
        self._proven: set[str] = set()
        for output, loss in self.losses.items():
            shape = model.graph.nodes[output].shape
            found = active.choice.of(loss, (shape,), model.dtype)
            self._forward[output] = method(loss, found, "forward")
            self._backward[output] = method(loss, found, "backward")
            self._by[output] = by(found)
        self._chosen_in = active

    def _gradient(self, output: str) -> Array:
        try:
            gradient: Array = self._backward[output](self._contexts[output], self._saved[output])
        except (MlpkError, MemoryError):
            raise
        except Exception as error:
            raise self._accident(error, output, "backward") from error
        wanted = self._shapes[output]
        if output not in self._proven and np.shape(gradient) != wanted:
            problem = f"wanted a gradient in the shape {wanted} of the output '{output}'"
            where = self._where(output, "backward")
            raise ShapeError(f"{problem}, found {np.shape(gradient)}", where)
        self._proven.add(output)
        return gradient

    def _accident(self, error: Exception, output: str, way: str) -> PluginError:
        """Return what tells an accident in a loss by the place where it was given."""
        return PluginError(f"{self._where(output, way)}: {told(error)}")

    def _where(self, output: str, way: str) -> str:
        return f"{self._places[output]} ({self.losses[output].kind}{self._by[output]}), {way}"

    def penalty(self) -> float:
        """Return the regularizer's penalty."""
        if self.regularizer is None:
            return 0.0
        params = self._model.storage.params
        return sum(self.regularizer.penalty(params[name]) for name in self._penalised)

    def add_penalty_gradient(self) -> None:
        """Add the penalty's gradient to the model's gradients."""
        if self.regularizer is None:
            return
        storage = self._model.trainable_storage()
        for name in self._penalised:
            self.regularizer.add_gradient(storage.params[name], storage.grads.views[name])  # type: ignore[union-attr] # is not None there


def aligned(prediction: tuple[int | None, ...], target: Array) -> Array:
    """Return real targets (N,) as a column where predictions (N, 1) are one; others as they are.

    Against each other they would broadcast to (N, N). Integers may be labels, which losses check.
    """
    column = len(prediction) == 2 and prediction[1] == 1  # noqa: PLR2004 - rows and one column
    if column and target.ndim == 1 and target.dtype.kind == "f":
        return target[:, None]
    return target


def per_output(model: Model, given: Any, role: str) -> dict[str, Any]:
    """Return what is given for each output: one thing for the only output, or a dict by name."""
    outputs = model.graph.outputs
    if not _is_by_name(given):
        if len(outputs) > 1 and given:
            raise ConfigError(role, f"wanted a dict by output, with some of {list(outputs)}")
        return {outputs[0]: given}
    for name in given:
        if name not in outputs:
            problem = f"there is no output '{name}'.{nearest(str(name), outputs)}"
            raise ConfigError(role, problem)
    if not given and isinstance(given, Mapping):
        raise ConfigError(role, "wanted at least one entry, found an empty dict")
    return dict(given)


def place(given: Any, role: str, output: str) -> str:
    """Return where something for an output was given: "loss", or "loss['left']"."""
    return f"{role}['{output}']" if _is_by_name(given) else role


def known_shape(graph: Graph, output: str) -> tuple[int, ...] | None:
    """Return the shape of an output without the batch axis, None if a length is not known."""
    shape = graph.nodes[output].shape
    return None if shape is None or None in shape else shape  # type: ignore[return-value] # no None in it


def _check_mass(
    loss: Loss, dtype: str, shape: tuple[int, ...], target: Array, weight: Array | None
) -> None:
    """Refuse rows whose mass is 0, or more than the dtype holds."""
    ctx, mass = Context(dtype), 0.0
    for start in range(0, len(target), ROWS):
        piece = slice(start, start + ROWS)
        part = target[piece]
        mass += loss.mass(ctx, (len(part), *shape), part, None if weight is None else weight[piece])
    if mass == 0:
        raise DataError(
            f"wanted some rows that count, found none: {loss.kind} gives all {len(target)} of them "
            "the weight 0, for their own weights or by its fields"
        )
    if mass > float(np.finfo(dtype).max):
        raise DataError(
            f"wanted weights whose sum {dtype} can hold, found {mass:.3g} for all rows; divide "
            "them by a number, which changes nothing else"
        )


def _is_by_name(given: Any) -> bool:
    return isinstance(given, Mapping) and "kind" not in given


def _check_meaning(graph: Graph, output: str, loss: Loss) -> None:
    """Refuse logits where probabilities are wanted, and the other way about."""
    gives, kind = _meaning(graph, output)
    if loss.takes == "logits" and gives == "probabilities":
        raise GraphError(
            f"{loss.kind} takes logits and makes the probabilities itself, but the output "
            f"'{output}' already gives probabilities ({kind}): twice would train "
            f"badly. Take {kind} off the end; mlpk.Model(['{kind}'], input_shape=...) makes "
            "probabilities of what the network then predicts"
        )
    if loss.takes == "probabilities" and gives != "probabilities":
        raise GraphError(
            f"{loss.kind} takes probabilities, but the output '{output}' ({kind}) "
            "gives any real number. End the network in softmax, or use a loss that takes logits"
        )


def _meaning(graph: Graph, output: str) -> tuple[str, str]:
    """Return what an output means, and the kind of the layer that says so.

    A layer that gives the "same" as several inputs gives what all of them mean, or real numbers.
    """
    found = dict.fromkeys(graph.inputs, ("real", "input"))
    for name, node in graph.nodes.items():
        if node.layer.gives == "same":
            fed = [found[each] for each in node.inputs]
            alike = len({meaning for meaning, _ in fed}) == 1
            found[name] = fed[0] if alike else ("real", node.layer.kind)
        else:
            found[name] = (node.layer.gives, node.layer.kind)
    return found[output]
