"""What training makes small: the losses of all outputs, and the penalty on the weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlpk.arrays import Array
from mlpk.context import Context
from mlpk.errors import ConfigError, DataError, GraphError, nearest
from mlpk.loss import Loss
from mlpk.regularizer import Regularizer
from mlpk.training.batch import Batch, Rows
from mlpk.training.blame import about

if TYPE_CHECKING:
    from mlpk.graph import Graph
    from mlpk.model import Model

__all__ = ["Objective", "aligned", "per_output"]


class Objective:
    """A loss an output, summed, plus a regularizer's penalty on the parameters that decay.

    `losses` go by output. After `forward`, `values` has the loss of each, and `masses` what the
    batch counts for in it: its rows, or the sum of their weights.
    """

    def __init__(self, model: Model, loss: Any, regularizer: Any = None) -> None:
        self.losses: dict[str, Loss] = {
            output: Loss.of(given, "loss")
            for output, given in per_output(model, loss, "loss").items()
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
        decaying = [name for name, param in model.graph.params.items() if param.decay]
        self._penalised = decaying if self.regularizer is not None else []

    def check(self, rows: Rows) -> None:
        """Refuse targets that do not suit the losses, all of them at once, naming the row."""
        for output, loss in self.losses.items():
            shape = self._model.graph.nodes[output].shape
            if shape is not None and None not in shape:
                with about("y" if len(rows.targets) == 1 else f"y['{output}']"):
                    loss.check(shape, aligned((None, *shape), rows.targets[output]))  # type: ignore[arg-type] # None is ruled out

    def forward(self, outputs: Mapping[str, Array], batch: Batch) -> float:
        """Return the loss of a batch, without the penalty."""
        for output, loss in self.losses.items():
            prediction = outputs[output]
            target = aligned(prediction.shape, batch.targets[output])
            try:
                self.values[output], self._saved[output] = loss.forward(
                    self._contexts[output], prediction, target, batch.weight
                )
            except DataError as error:
                raise batch.blamed(error) from None
            self.masses[output] = loss.mass(
                self._contexts[output], prediction.shape, target, batch.weight
            )
        return sum(self.values.values())

    def backward(self) -> dict[str, Array]:
        """Return the gradient by each output, of the last forward."""
        return {
            output: loss.backward(self._contexts[output], self._saved[output])
            for output, loss in self.losses.items()
        }

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
    real = target.ndim == 1 and target.dtype.kind == "f"
    return target[:, None] if column and real else target


def per_output(model: Model, given: Any, role: str) -> dict[str, Any]:
    """Return what is given for each output: one thing for the only output, or a dict by name."""
    outputs = model.graph.outputs
    by_name = isinstance(given, Mapping) and "kind" not in given
    if not by_name:
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


def _check_meaning(graph: Graph, output: str, loss: Loss) -> None:
    """Refuse logits where probabilities are wanted, and the other way about."""
    node = graph.nodes[output]
    while node.layer.gives == "same" and node.inputs[0] in graph.nodes:
        node = graph.nodes[node.inputs[0]]
    gives = node.layer.gives
    if loss.takes == "logits" and gives == "probabilities":
        raise GraphError(
            f"{loss.kind} takes logits and makes the probabilities itself, but the output "
            f"'{output}' already gives probabilities ({node.layer.kind}): twice would train "
            f"badly. Take {node.layer.kind} off the end, or use a loss that takes probabilities"
        )
    if loss.takes == "probabilities" and gives != "probabilities":
        raise GraphError(
            f"{loss.kind} takes probabilities, but the output '{output}' ({node.layer.kind}) "
            "gives any real number. End the network in softmax or sigmoid, or use a loss that "
            "takes logits"
        )
