"""Where a run stands, written down, and taken up again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from math import inf, isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpk.arrays import Array
from mlpk.errors import ConfigError, DataError, shown
from mlpk.file import model_file
from mlpk.kind import written
from mlpk.training.batch import Rows
from mlpk_schemas.file import FitState, KindSpec, OptimizerState, TrainState
from mlpk_schemas.model import ModelSpec
from mlpk_schemas.records import plain

if TYPE_CHECKING:
    from mlpk.training.fit import Fit

__all__ = ["opened", "refuse_unresumable", "restore", "state_of"]

IMPLEMENTATION = "numpy"
NOT_FINITE = {"inf": inf, "-inf": -inf, "nan": nan}


def refuse_unresumable(fit: Fit) -> None:
    """Refuse, at the start, what a checkpoint could not hold: kinds without an id, data without a place."""
    _plan(fit)
    if not isinstance(fit.source, Rows) and not fit.source.can_resume:
        raise DataError(
            "a checkpoint has to say where it was in the data, and this iterable of batches cannot "
            "tell: give arrays, a list of batches, or an object with state() and restore(state)"
        )


def state_of(fit: Fit) -> tuple[TrainState, dict[str, Array]]:
    """Return the state of a run, and its arrays by tensor name."""
    arrays: dict[str, Array] = {}
    optimizer = fit.optimizer
    for slot, arena in optimizer.slots.items():
        for name in fit.model.graph.params:
            arrays[f"slot:{name}/{slot}"] = arena.views[name]
    callbacks = {
        name: _packed(name, callback.state(), arrays) for name, callback in fit.callbacks.stateful()
    }
    if not isinstance(fit.source, Rows):
        callbacks["data"] = _packed("data", fit.source.state(), arrays)
    running = _packed("running", _running(fit), arrays) if fit.batch else {}
    for name, column in fit.history.metrics.items():
        arrays[f"state:history/{name}"] = np.asarray(column, np.float64)
    rows = fit.source if isinstance(fit.source, Rows) else None
    state = TrainState(
        optimizer=OptimizerState(
            **written(optimizer.optimizer), step=optimizer.t, slots=tuple(optimizer.slots)
        ),
        loss={name: KindSpec(**written(loss)) for name, loss in fit.objective.losses.items()},
        seed=fit.seed,
        implementation=IMPLEMENTATION,
        fit=FitState(
            epoch=fit.epoch - (1 if fit.batch else 0),
            batch=fit.batch,
            step=fit.step,
            batch_size=rows.batch_size if rows else None,
            rows=rows.count if rows else None,
            options=_options(fit),
            lr_factor=fit.lr_factor,
            stopped=fit.stopped,
            callbacks=callbacks,
            running=running,
            history=tuple(fit.history.metrics),
        ),
    )
    return state, arrays


def opened(fit: Fit, path: str) -> tuple[TrainState, dict[str, Array]] | None:
    """Return the state in the file at `path` and its arrays, None if there is no file.

    Refuses the state of another plan, and takes the seed over, on which everything random rests.
    """
    if not Path(path).exists():
        return None
    header, arrays = model_file.checkpoint(path)
    if header.state is None:
        raise ConfigError(
            "resume", f"{path} holds a model without training state; nothing to resume"
        )
    _refuse_differences(fit, header.spec, header.state, path)
    if fit.seed_given not in (None, header.state.seed):
        raise ConfigError(
            "seed",
            f"the run in {path} had {header.state.seed}, this one has {fit.seed_given}; leave it "
            "out to go on, or start anew with another checkpoint",
        )
    fit.seed = header.state.seed
    return header.state, arrays


def restore(fit: Fit, state: TrainState, arrays: Mapping[str, Array]) -> None:
    """Put a run where that state was written down."""
    model = fit.model
    parts = {name: _unpacked(name, held, arrays) for name, held in state.fit.callbacks.items()}
    for name, view in {**model.params, **model.buffers}.items():
        view[...] = arrays[name]
    for slot, arena in fit.optimizer.slots.items():
        for name in model.graph.params:
            arena.views[name][...] = arrays[f"slot:{name}/{slot}"]
    fit.optimizer.t = state.optimizer.step
    fit.epoch, fit.batch, fit.step = state.fit.epoch, state.fit.batch, state.fit.step
    fit.lr_factor, fit.stopped = state.fit.lr_factor, state.fit.stopped
    fit.history.metrics = {
        name: _column(arrays[f"state:history/{name}"]) for name in state.fit.history
    }
    fit.history.seconds = [nan] * len(fit.history)
    for name, callback in fit.callbacks.stateful():
        callback.restore(parts[name])
    if not isinstance(fit.source, Rows):
        fit.source.restore(parts["data"])
    if fit.batch:
        _restore_running(fit, _unpacked("running", state.fit.running, arrays))


def _options(fit: Fit) -> dict[str, Any]:
    """Return the arguments of `fit` that a resumed run must repeat."""
    regularizer = fit.objective.regularizer
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
    }


def _running(fit: Fit) -> dict[str, Any]:
    step = fit.training_step
    gathered = {} if step.total is None else {"total": step.total}
    return {
        "gathered": step.gathered,
        "gathered_mass": step.mass,
        **gathered,
        **{f"measures.{name}": value for name, value in fit.measures.state().items()},
    }


def _restore_running(fit: Fit, running: Mapping[str, Any]) -> None:
    step = fit.training_step
    step.gathered, step.mass = running["gathered"], running["gathered_mass"]
    if step.total is not None:
        step.total[...] = running["total"]
    start = "measures."
    fit.measures.restore(
        {
            name.removeprefix(start): value
            for name, value in running.items()
            if name.startswith(start)
        }
    )


def _plan(fit: Fit) -> dict[str, Any]:
    """Return everything that a resumed run must have in common with the one that stopped."""
    rows = fit.source if isinstance(fit.source, Rows) else None
    return {
        "spec": plain(fit.model.spec),
        "optimizer": written(fit.optimizer.optimizer),
        "loss": {name: written(loss) for name, loss in fit.objective.losses.items()},
        "batch_size": rows.batch_size if rows else None,
        "number of rows": rows.count if rows else None,
        "fit": _options(fit),
    }


def _refuse_differences(fit: Fit, spec: ModelSpec, state: TrainState, path: str) -> None:
    """Refuse to go on with another network, optimizer, loss, data or option, naming the first."""
    optimizer = {key: getattr(state.optimizer, key) for key in ("id", "schema", "config")}
    then = {
        "spec": plain(spec),
        "optimizer": plain(optimizer),
        "loss": plain(state.loss),
        "batch_size": state.fit.batch_size,
        "number of rows": state.fit.rows,
        "fit": plain(state.fit.options),
    }
    for field, before, after in _differences("", then, _plan(fit)):
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


def _column(values: Array) -> list[Any]:
    """Return the results of each epoch: numbers, or arrays where a metric gives such."""
    return values.tolist() if values.ndim == 1 else list(values)


def _packed(owner: str, state: Mapping[str, Any], arrays: dict[str, Array]) -> dict[str, Any]:
    """Return a state as plain data; its arrays go into `arrays` as "state:owner/key"."""
    held = {}
    for key, value in state.items():
        if isinstance(value, np.ndarray):
            arrays[f"state:{owner}/{key}"] = value
        else:
            held[key] = _writable(value)
    return held


def _unpacked(owner: str, held: Mapping[str, Any], arrays: Mapping[str, Array]) -> dict[str, Any]:
    start = f"state:{owner}/"
    found = {key: _readable(value) for key, value in held.items()}
    mine = {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}
    return {**found, **mine}


def _writable(value: Any) -> Any:
    """Return a plain value whose floats are finite, the others as {"float": "inf"}."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return {"float": "nan" if value != value else "inf" if value > 0 else "-inf"}  # noqa: PLR0124 - nan
    if isinstance(value, Mapping):
        return {key: _writable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(item) for item in value]
    return value


def _readable(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.keys() == {"float"} and value["float"] in NOT_FINITE:
            return NOT_FINITE[value["float"]]
        return {key: _readable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_readable(item) for item in value]
    return value
