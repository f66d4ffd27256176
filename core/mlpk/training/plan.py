"""What a run that goes on has to have in common with the one that stopped."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from mlpk.errors import ConfigError, shown
from mlpk.kind import written
from mlpk.training.batch import Rows
from mlpk.training.callback_schema import SCHEMAS
from mlpk_schemas.file import TrainState
from mlpk_schemas.model import ModelSpec
from mlpk_schemas.records import plain

if TYPE_CHECKING:
    from mlpk.training.fit import Fit

__all__ = ["options", "plan", "refuse_differences"]


def options(fit: Fit) -> dict[str, Any]:
    """Return the arguments of `fit` that a resumed run must repeat."""
    regularizer = fit.objective.regularizer
    rows = isinstance(fit.source, Rows)
    return {
        "shuffle": fit.shuffle,
        "validation": fit.has_validation,
        "weight": isinstance(fit.source, Rows) and fit.source.weight is not None,
        "drop_last": fit.drop_last,
        "accumulate": fit.training_step.accumulate,
        "frozen": fit.frozen,
        "lr_factors": fit.lr_factors,
        "regularizer": None if regularizer is None else written(regularizer),
        "metrics": {name: written(metric) for name, (_, metric) in fit.measures.metrics.items()},
        "callbacks": [name for name, _ in fit.callbacks.stateful()],
        "batches": None if rows else fit.batches,
    }


def plan(fit: Fit) -> dict[str, Any]:
    """Return all of it; raises `ConfigError` for a kind that could not be written down."""
    rows = fit.source if isinstance(fit.source, Rows) else None
    optimizer = fit.optimizer.optimizer
    return {
        "spec": plain(fit.model.spec),
        "optimizer": {**written(optimizer), "slots": list(optimizer.slots)},
        "loss": {name: written(loss) for name, loss in fit.objective.losses.items()},
        "batch_size": rows.batch_size if rows else None,
        "number of rows": rows.count if rows else None,
        "fit": options(fit),
    }


def refuse_differences(fit: Fit, spec: ModelSpec, state: TrainState, path: str) -> None:
    """Refuse to go on with another network, optimizer, loss, data or option, naming the first."""
    optimizer = {key: getattr(state.optimizer, key) for key in ("id", "schema", "config", "slots")}
    then = {
        "spec": plain(spec),
        "optimizer": plain(optimizer),
        "loss": plain(state.loss),
        "batch_size": state.fit.batch_size,
        "number of rows": state.fit.rows,
        "fit": {name: value for name, value in plain(state.fit.options).items() if name != SCHEMAS},
    }
    for field, before, after in _differences("", then, plan(fit)):
        raise ConfigError(
            field,
            f"the run in {path} had {shown(before)}, this one has {shown(after)}; "
            "resume with the same, or start anew with another checkpoint",
        )


def _differences(where: str, then: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(then, dict) and isinstance(now, dict):
        for key in {**then, **now}:
            inner = f"{where}.{key}" if where else key
            yield from _differences(inner, then.get(key), now.get(key))
    elif isinstance(then, list) and isinstance(now, list):
        for place, (before, after) in enumerate(zip_longest(then, now)):
            yield from _differences(f"{where}[{place}]", before, after)
    elif then != now:
        yield where, then, now
