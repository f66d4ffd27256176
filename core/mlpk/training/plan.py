"""What a run that goes on has to have in common with the one that stopped."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpk.errors import ConfigError, shown
from mlpk.kind import written
from mlpk.training.batch import Rows
from mlpk.training.callback_schema import SCHEMAS
from mlpk_schemas.file import TrainState
from mlpk_schemas.model import ModelSpec
from mlpk_schemas.records import plain
from mlpk_schemas.tree import is_plain

if TYPE_CHECKING:
    from mlpk.training.fit import Fit

__all__ = ["EPOCHS", "options", "plan", "refuse_differences"]

# The key among the options of a run under which the fields of its callbacks stand.
CONFIGS = "configs"
# The key of the number of epochs that a run was to have which a callback ended.
EPOCHS = "epochs"


def options(fit: Fit) -> dict[str, Any]:
    """Return the arguments of `fit` that a resumed run must repeat; of an ended one, the epochs too."""
    regularizer = fit.objective.regularizer
    rows = isinstance(fit.source, Rows)
    configs = _configs(fit)
    return {
        "shuffle": fit.shuffle,
        "validation": _validation(fit),
        "weight": isinstance(fit.source, Rows) and fit.source.weight is not None,
        "drop_last": fit.drop_last,
        "accumulate": fit.training_step.accumulate,
        "frozen": fit.frozen,
        "lr_factors": fit.lr_factors,
        "regularizer": None if regularizer is None else written(regularizer),
        "metrics": {name: written(metric) for name, (_, metric) in fit.measures.metrics.items()},
        "callbacks": [name for name, _ in fit.callbacks.planned()],
        "batches": None if rows else fit.batches,
        **({CONFIGS: configs} if configs else {}),
        **({EPOCHS: fit.epochs} if fit.stopped else {}),
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
        **_parts(options(fit)),
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
        **_parts(plain(state.fit.options)),
    }
    now = plan(fit)
    then["callbacks"], now["callbacks"] = _shared(then["callbacks"], now["callbacks"])
    for field, before, after in _differences("", then, now):
        raise ConfigError(
            field,
            f"the run in {path} had {shown(before)}, this one has {shown(after)}; "
            "resume with the same, or start anew with another checkpoint",
        )


def _validation(fit: Fit) -> Any:
    """Return what is told of the set to validate with: as of the data, not what is in it."""
    source = fit.validation
    if source is None:
        return False
    if isinstance(source, Rows):
        return {"rows": source.count, "weight": source.weight is not None}
    return {"batches": source.batches()}


def _configs(fit: Fit) -> dict[str, Any]:
    """Return, by name, what the callbacks say of themselves; they are asked, not looked into."""
    found = {}
    for name, callback in fit.callbacks.planned():
        if callable(getattr(callback, "config", None)):
            config = callback.config()
            where = f"callbacks.{name}.config"
            if not isinstance(config, dict):
                raise ConfigError(where, f"wanted a dict from config(), found {shown(config)}")
            found[name] = plain({key: _own(value) for key, value in config.items()})
            if not is_plain(found[name]):
                wanted = "wanted None, bools, finite numbers, text, and lists and dicts of these"
                raise ConfigError(where, f"{wanted}, found {shown(config)}")
    return found


def _own(value: Any) -> Any:
    """Return a number of NumPy's as one of Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _parts(given: dict[str, Any]) -> dict[str, Any]:
    """Return options as they are compared: the fields of callbacks beside the rest."""
    apart = (SCHEMAS, CONFIGS, EPOCHS)
    rest = {name: value for name, value in given.items() if name not in apart}
    return {"fit": rest, "callbacks": given.get(CONFIGS, {})}


def _shared(then: Any, now: Any) -> tuple[Any, Any]:
    """Return the fields that callbacks had then and have now; releases may add and drop some."""
    names = {name: then[name].keys() & now[name].keys() for name in then.keys() & now.keys()}
    return tuple(
        {
            name: {field: each[name][field] for field in sorted(names[name])}
            for name in sorted(names)
        }
        for each in (then, now)
    )  # type: ignore[return-value] # of two


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
