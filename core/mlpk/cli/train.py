"""`mlpk train`: from a configuration to a trained model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

import mlpk
from mlpk.calling import callback
from mlpk.cli.check_error import CheckError
from mlpk.cli.config import changes_option, read_config
from mlpk.cli.data import read_data
from mlpk.cli.kinds import made, measured
from mlpk.cli.network import network
from mlpk.cli.output import check_model_output
from mlpk.cli.text import results
from mlpk.errors import ConfigError, listing
from mlpk.optimizer import Optimizer
from mlpk.training import Fit
from mlpk.training.checkpoints import all_earlier
from mlpk.training.plan import EPOCHS
from mlpk_schemas.records import values
from mlpk_schemas.run import RunConfig

__all__ = ["command"]


@click.command("train")
@click.argument("config", metavar="CONFIG.toml")
@click.option("-o", "--output", required=True, metavar="MODEL.mlpk", help="Where to save.")
@click.option("--resume", is_flag=True, help="Go on where the run in MODEL.mlpk stopped.")
@changes_option
def command(config: str, output: str, resume: bool, changes: tuple[str, ...]) -> None:
    """Train a model as a configuration says, and save it.

    It is saved after every epoch, together with what the run needs to go on: --resume takes a run
    that was stopped, or given more epochs, to where it would have come in one go. Without a file
    there --resume starts anew. A callback that puts other weights in place at the end, such as
    early_stopping or moving_average, has those saved, beside the ones that --resume goes on with.
    What a callback ended early does not go on: it came as far as it would in one go. To ask for
    more epochs of such a run gives the exit status 1.

    Results of the last epoch go to standard output, or of the one whose weights were put back.
    """
    run = read_config(config, changes)
    check_model_output(output, (config,))
    fit = _fit(run, Path(config).parent, output, resume=resume)
    there = resume and Path(output).exists()
    if not there:
        _tell(_replaced(fit, output))
    try:
        fit.run()
    except KeyboardInterrupt:
        _tell([_left(output, saved=fit.saved or there)])
        raise
    refused = _is_refused(fit, output)
    others = _save_others(fit, output)
    _tell(_outcome(fit, output, others=others, refused=refused))
    click.echo(results(_measured(fit.history)))
    if refused:
        raise CheckError(_over(fit, output))


def _fit(run: RunConfig, folder: Path, output: str, *, resume: bool) -> Fit:
    """Return the run, ready to start; data are read last, since that may take long."""
    given = run.fit
    measures = measured(given)
    optimizer = made(Optimizer.of, given.optimizer, "fit.optimizer")
    callbacks = [
        callback(each, f"fit.callbacks[{place}]") for place, each in enumerate(given.callbacks)
    ]
    model = network(run.model, run.seed)
    data = read_data(run.data, folder)
    if given.validation and data.test is None:
        problem = "wanted data with a test part (x_validation and y_validation), found none"
        raise ConfigError("fit.validation", problem)
    try:
        return Fit(
            model,
            data.x,
            data.y,
            **measures,
            optimizer=optimizer,
            epochs=given.epochs,
            batch_size=given.batch_size,
            validation=data.test if given.validation else None,
            weight=data.weight,
            shuffle=given.shuffle,
            drop_last=given.drop_last,
            accumulate=given.accumulate,
            frozen=given.frozen,
            lr_factors=given.lr_factors,
            callbacks=callbacks,
            progress=True,
            checkpoint=output,
            resume=resume,
            seed=run.seed,
        )
    except ConfigError as error:
        # Its errors go by the names of arguments, which here are those of keys.
        root = re.split(r"[.\[]", error.where)[0]
        raise (error.moved("", "fit.") if root in values(given) else error) from error


def _replaced(fit: Fit, output: str) -> Iterator[str]:
    """Yield what to say of files that lie where a run that starts anew is to write."""
    for saver in fit.callbacks.savers:
        if Path(saver.path).exists():
            if Path(output).exists() and Path(saver.path).samefile(output):
                yield (
                    f"{output} will be replaced after the first epoch; --resume would go on with it."
                )
            else:
                yield f"{saver.path} will be replaced by a callback of this run."
        older = (
            sorted(path.name for path, _ in all_earlier(Path(saver.path))) if saver.keep > 1 else []
        )
        if older:
            yield f"Beside it the checkpoints of an earlier run stay: {listing(older)}."


def _left(output: str, *, saved: bool) -> str:
    """Return what to say of a run that was broken off."""
    return f"--resume goes on from what {output} holds." if saved else "Nothing was saved yet."


def _outcome(fit: Fit, output: str, *, others: bool, refused: bool) -> Iterator[str]:
    """Yield what to say of how far a run came, what was saved, and of which epoch the results are."""
    best = fit.history.best_epoch
    if not (fit.logs or refused):
        yield _over(fit, output)
    if others and best is None:
        yield (
            "A callback put other weights in place at the end, and these are saved; the results "
            "below are those of the last epoch."
        )
    if fit.saved:
        yield f"Saved {output}."
    if best not in (None, len(fit.history)):
        yield f"The results below are those of epoch {best}."


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line, err=True)


def _over(fit: Fit, output: str) -> str:
    """Return why a run that was resumed trained nothing."""
    if fit.stopped:
        return (
            f"The run in {output} was ended by a callback after epoch {fit.epoch} and does not go on "
            "from there, whatever the number of epochs; nothing was trained. To train longer start "
            "anew, without --resume, and without that callback or with one that waits longer."
        )
    wanted = f"of the {fit.epochs} wanted" if fit.epoch > fit.epochs else f"of {fit.epochs}"
    return f"{output} is at epoch {fit.epoch} {wanted} already."


def _is_refused(fit: Fit, output: str) -> bool:
    """Tell whether more epochs were wanted of a run that a callback had ended before."""
    if fit.logs or not fit.stopped:
        return False
    state = mlpk.inspect(output).state
    planned = None if state is None else state.fit.options.get(EPOCHS)
    return isinstance(planned, int) and fit.epochs > planned


def _save_others(fit: Fit, output: str) -> bool:
    """Save the weights that a callback put in place at the end, if one did; tell whether."""
    held = mlpk.load_arrays(output)  # of the last epoch
    arrays = {**fit.model.params, **fit.model.buffers}
    if all(name in held and np.array_equal(held[name], array) for name, array in arrays.items()):
        return False
    fit.save(output, trained=held)
    return True


def _measured(history: mlpk.History) -> dict[str, Any]:
    """Return the results of the epoch whose weights are saved, or of the last."""
    columns, best = history.metrics.items(), history.best_epoch
    if best is None:
        return {name: column[-1] for name, column in columns}
    return {name: column[best - 1] for name, column in columns if len(column) == len(history)}
