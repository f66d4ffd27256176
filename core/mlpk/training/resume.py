"""Where a run stands, written down, and taken up again."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpk.arrays import Array
from mlpk.computing import computing
from mlpk.errors import ConfigError, DataError, FileFormatError, PluginWarning, listing
from mlpk.file import model_file
from mlpk.file.trained import check_trained, misfit, trained_tensors
from mlpk.kind import written
from mlpk.training import checkpoints, results
from mlpk.training.batch import Rows
from mlpk.training.callback_schema import SCHEMAS, current_states, schemas
from mlpk.training.packing import packed, unpacked
from mlpk.training.plan import options, plan, refuse_differences
from mlpk_schemas.file import FitState, Header, KindSpec, OptimizerState, TrainState

if TYPE_CHECKING:
    from mlpk.training.fit import Fit

__all__ = ["check_state", "opened", "refuse_unresumable", "restore", "state_of"]


def refuse_unresumable(fit: Fit) -> None:
    """Refuse, at the start, what a checkpoint could not hold: kinds without an id, data without a place."""
    fit.callbacks.refuse_stateless()
    plan(fit)
    if not isinstance(fit.source, Rows) and not fit.source.can_resume:
        raise DataError(
            "a checkpoint has to say where it was in the data, and this iterable of batches cannot "
            "tell: give arrays, a list of batches, or an object with state() and restore(state)"
        )


def check_state(fit: Fit) -> None:
    """Refuse, before the first step, a state that a file could not hold as it is."""
    model_file.check(fit.model, state_of(fit, inside=True))


def state_of(
    fit: Fit, *, inside: bool = False, trained: Mapping[str, Array] | None = None
) -> tuple[TrainState, dict[str, Array]]:
    """Return the state of a run, and its arrays by tensor name.

    What a batch leaves for the rest of its epoch is part of it `inside` an epoch; the parameters and
    buffers that training goes on with are, if given as `trained`, since the model's are others.
    """
    arrays: dict[str, Array] = {}
    optimizer = fit.optimizer
    for slot, arena in optimizer.slots.items():
        for name in fit.model.graph.params:
            arrays[f"slot:{name}/{slot}"] = arena.views[name]
    callbacks, planned = {}, dict(fit.callbacks.planned())
    for name, callback in fit.callbacks.stateful():
        held = packed(name, _state(name, callback), arrays, f"callbacks.{name}.state")
        if held or name in planned:
            callbacks[name] = held
    for name, source in fit.streams():
        callbacks[name] = packed(name, source.state(), arrays, f"{name}.state")
    running = {}
    if fit.batch or inside:
        running = packed("running", _running(fit), arrays, "running")
    if trained is not None:
        weights = _weights(fit)
        for name, tensor in _tensors(fit).items():
            arrays[tensor] = _alike(trained, name, weights[name])
    callbacks |= results.packed(fit.history, arrays)
    rows = fit.source if isinstance(fit.source, Rows) else None
    state = TrainState(
        optimizer=OptimizerState(
            **written(optimizer.optimizer), step=optimizer.t, slots=tuple(optimizer.slots)
        ),
        loss={name: KindSpec(**written(loss)) for name, loss in fit.objective.losses.items()},
        seed=fit.seed,
        implementation=_computing(fit),
        fit=FitState(
            epoch=fit.epoch - (1 if fit.batch else 0),
            batch=fit.batch,
            step=fit.step,
            batch_size=rows.batch_size if rows else None,
            rows=rows.count if rows else None,
            options={**options(fit), **schemas(fit.callbacks.stateful())},
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
    header, arrays = _read(path)
    if header.state is None:
        raise ConfigError(
            "resume", f"{path} holds a model without training state; nothing to resume"
        )
    refuse_differences(fit, header.spec, header.state, path)
    check_trained(
        _tensors(fit),
        header.state.fit.running,
        arrays,
        lambda name: (arrays[name].shape, arrays[name].dtype),
    )
    if fit.seed_given not in (None, header.state.seed):
        raise ConfigError(
            "seed",
            f"the run in {path} had {header.state.seed}, this one has {fit.seed_given}; leave it "
            "out to go on, or start anew with another checkpoint",
        )
    fit.seed = header.state.seed
    before, here = header.state.implementation, _computing(fit)
    if before != here and _goes_on(fit, header.state.fit):
        warnings.warn(
            f"the run in {path} was computed by '{before}', and here '{here}' computes: it goes on, "
            "and the bits will differ from those of a run that was never stopped",
            PluginWarning,
            stacklevel=5,  # where `fit` was called
        )
    return header.state, arrays


def _goes_on(fit: Fit, stood: FitState) -> bool:
    """Tell whether a run that stood there computes anything more, and is not at its end already."""
    return stood.batch > 0 or (stood.epoch < fit.epochs and not stood.stopped)


def _computing(fit: Fit) -> str:
    return computing(fit.model.graph, fit.objective.losses, fit.optimizer.optimizer)


def restore(fit: Fit, state: TrainState, arrays: Mapping[str, Array]) -> None:
    """Put a run where that state was written down."""
    model = fit.model
    held = dict(state.fit.callbacks)
    history = results.unpacked(state.fit.history, held.pop(results.OWNER, {}), arrays)
    parts = {name: unpacked(name, part, arrays) for name, part in held.items()}
    parts = current_states(fit.callbacks.stateful(), parts, state.fit.options.get(SCHEMAS))
    planned = dict(fit.callbacks.planned())
    keeping = [name for name, _ in fit.callbacks.stateful() if name in planned]
    _require("callbacks", parts, [*keeping, *dict(fit.streams())])
    running = unpacked("running", state.fit.running, arrays)
    _require("running", running, _running(fit) if state.fit.batch else ())
    if state.fit.batch:
        _restore_running(fit, running)  # may still refuse, before anything of the model is changed
    tensors = _tensors(fit)
    for name, view in _weights(fit).items():
        view[...] = arrays.get(tensors[name], arrays[name])
    for slot, arena in fit.optimizer.slots.items():
        for name in model.graph.params:
            arena.views[name][...] = arrays[f"slot:{name}/{slot}"]
    fit.optimizer.t = state.optimizer.step
    fit.epoch, fit.batch, fit.step = state.fit.epoch, state.fit.batch, state.fit.step
    fit.lr_factor, fit.stopped = state.fit.lr_factor, state.fit.stopped
    fit.history.metrics, fit.history.ended = history, results.ended(state.fit)
    fit.history.seconds = [nan] * len(fit.history)
    for name, callback in fit.callbacks.stateful():
        if name in parts:
            _hand_back(name, callback, parts[name])
    for name, source in fit.streams():
        source.restore(parts[name])


def _read(path: str) -> tuple[Header, dict[str, Array]]:
    """Return what a checkpoint holds; of a damaged one, say which earlier one is whole."""
    try:
        return model_file.checkpoint(path)
    except FileFormatError as error:
        found = checkpoints.earlier_whole(path)
        if found is None:
            raise
        whole, step = found
        raise FileFormatError(
            f"{error.problem}. {whole.name} beside it is whole: put a copy of that in its place "
            f"to go on from step {step}",
            path=error.path,
            field=error.field,
            offset=error.offset,
        ) from error


def _state(name: str, callback: Any) -> Any:
    """Return what a callback keeps, or say whose `state` it was that failed."""
    try:
        return callback.state()
    except Exception as error:
        problem = f"state() of this {type(callback).__name__} failed with {type(error).__name__}: "
        advice = "; it is asked for before the first step, too"
        raise ConfigError(f"callbacks.{name}", f"{problem}{error}{advice}") from error


def _hand_back(name: str, callback: Any, state: Mapping[str, Any]) -> None:
    try:
        callback.restore(state)
    except Exception as error:
        problem = f"this {type(callback).__name__} cannot go on from the state in the checkpoint: "
        raise ConfigError(
            f"callbacks.{name}", f"{problem}{type(error).__name__}: {error}"
        ) from error


def _require(where: str, found: Collection[str], wanted: Collection[str]) -> None:
    """Refuse a state that lacks something of what this run keeps."""
    missing = [name for name in wanted if name not in found]
    if missing:
        problem = f"the checkpoint holds no state for {listing(missing)}"
        raise ConfigError(f"state.fit.{where}", f"{problem}; start anew with another one")


def _running(fit: Fit) -> dict[str, Any]:
    step = fit.training_step
    gathered = {} if step.mean is None else {"mean": step.mean}
    return {
        "gathered": step.gathered,
        "gathered_mass": step.mass,
        **gathered,
        **{f"measures.{name}": value for name, value in fit.measures.state().items()},
    }


def _weights(fit: Fit) -> dict[str, Array]:
    return {**fit.model.params, **fit.model.buffers}


def _tensors(fit: Fit) -> dict[str, str]:
    """Return what the weights are called in a file that training goes on with, by their names."""
    return trained_tensors(fit.model.params, fit.model.buffers)


def _alike(trained: Mapping[str, Array], name: str, like: Array) -> Array:
    """Return the array of that name; refuse one that could not take the place of the model's."""
    where = f"trained[{name!r}]"
    if name not in trained:
        raise ConfigError(where, "wanted every parameter and buffer of the model, found none")
    array = np.asarray(trained[name])
    if problem := misfit((array.shape, array.dtype), (like.shape, like.dtype), name):
        raise ConfigError(where, problem)
    return array


def _restore_running(fit: Fit, running: Mapping[str, Any]) -> None:
    step = fit.training_step
    step.gathered, step.mass = running["gathered"], running["gathered_mass"]
    if step.mean is not None:
        if running["mean"].shape != step.mean.shape:
            problem = f"wanted shape {step.mean.shape}, found {running['mean'].shape}"
            raise ConfigError("state.fit.running.mean", problem)
        step.mean[...] = running["mean"]
    start = "measures."
    fit.measures.restore(
        {
            name.removeprefix(start): value
            for name, value in running.items()
            if name.startswith(start)
        }
    )
