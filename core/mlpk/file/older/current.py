"""A header with every kind in it written as it would be now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlpk import catalog
from mlpk.kind import Kind, written
from mlpk.loss import Loss
from mlpk.metric import Metric
from mlpk.optimizer import Optimizer
from mlpk.regularizer import Regularizer
from mlpk_schemas.fields import KIND_KEYS
from mlpk_schemas.file import Header, KindSpec
from mlpk_schemas.model import ModelSpec
from mlpk_schemas.records import evolved, values

__all__ = ["current"]


def current(header: Header, spec: ModelSpec) -> Header:
    """Return a header of a training run whose kinds are all of the schemas that are active here.

    `spec` is that of the network, in these schemas.
    """
    if header.state is None:
        return evolved(header, spec=spec)
    state = header.state
    optimizer = state.optimizer
    kind = {"id": optimizer.id, "schema": optimizer.schema, "config": optimizer.config}
    return evolved(
        header,
        spec=spec,
        state=evolved(
            state,
            optimizer=evolved(optimizer, **written(Optimizer.read(kind, "state.optimizer"))),
            loss={
                name: KindSpec(**written(Loss.read(values(loss), f"state.loss.{name}")))
                for name, loss in state.loss.items()
            },
            fit=evolved(state.fit, options=_options(state.fit.options)),
        ),
    )


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(options)
    if "regularizer" in options:
        found["regularizer"] = _kind(Regularizer, options["regularizer"], "regularizer")
    if isinstance(options.get("metrics"), Mapping):
        found["metrics"] = {
            name: _kind(Metric, metric, f"metrics.{name}")
            for name, metric in options["metrics"].items()
        }
    return found


def _kind(family: type[Kind], value: Any, where: str) -> Any:
    """Return a kind as it would be written now; what is none, None for example, as it is."""
    if not isinstance(value, Mapping) or value.keys() != KIND_KEYS:
        return value
    if not catalog.current().has(family.family, value["id"]):
        return value
    return written(family.read(value, f"state.fit.options.{where}"))
