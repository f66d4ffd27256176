"""`mlpk train`: from a configuration to a trained model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

import mlpk
from mlpk.arrays import Array
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
    if not (resume and Path(output).exists()):
        for line in _replaced(fit, output):
            click.echo(line, err=True)
    try:
        history = fit.run()
    except KeyboardInterrupt:
        saved = fit.saved or (resume and Path(output).exists())
        hint = f"--resume goes on from what {output} holds." if saved else "Nothing was saved yet."
        click.echo(hint, err=True)
        raise
    told = _told(fit, output)
    refused = fit.stopped and not fit.logs and fit.epochs > _planned(output, fit)
    if told and not refused:
        click.echo(told, err=True)
    held = mlpk.load_arrays(output)
    if not _same(fit.model, held):
        # A callback put other weights in place at the end; those of the last epoch are in the file.
        fit.save(output, trained=held)
        if history.best_epoch is None:
            click.echo(
                "A callback put other weights in place at the end, and these are saved; the results "
                "below are those of the last epoch.",
                err=True,
            )
    if fit.saved:
        click.echo(f"Saved {output}.", err=True)
    if history.best_epoch not in (None, len(history)):
        click.echo(f"The results below are those of epoch {history.best_epoch}.", err=True)
    click.echo(results(_measured(history)))
    if refused:
        raise CheckError(told)


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


def _told(fit: Fit, output: str) -> str:
    """Return what to say of a run that did not come to its last epoch just now; "" of one that did."""
    if fit.logs:
        said = any(" ended the run" in note for note in fit.history.notes)
        early = fit.stopped and fit.epoch < fit.epochs and not said
        return f"A callback ended the run after epoch {fit.epoch}." if early else ""
    if fit.stopped:
        return (
            f"The run in {output} was ended by a callback after epoch {fit.epoch} and does not go on "
            "from there, whatever the number of epochs; nothing was trained. To train longer start "
            "anew, without --resume, and without that callback or with one that waits longer."
        )
    wanted = f"of the {fit.epochs} wanted" if fit.epoch > fit.epochs else f"of {fit.epochs}"
    return f"{output} is at epoch {fit.epoch} {wanted} already."


def _planned(output: str, fit: Fit) -> int:
    """Return how many epochs the run was to have that a file holds."""
    state = mlpk.inspect(output).state
    planned = None if state is None else state.fit.options.get(EPOCHS)
    return planned if isinstance(planned, int) else fit.epochs


def _same(model: mlpk.Model, saved: Mapping[str, Array]) -> bool:
    """Tell whether parameters and buffers are exactly those that were saved."""
    arrays = {**model.params, **model.buffers}
    return all(
        name in saved and np.array_equal(saved[name], array) for name, array in arrays.items()
    )


def _measured(history: mlpk.History) -> dict[str, Any]:
    """Return the results of the epoch whose weights are saved, or of the last."""
    columns, best = history.metrics.items(), history.best_epoch
    if best is None:
        return {name: column[-1] for name, column in columns}
    return {name: column[best - 1] for name, column in columns if len(column) == len(history)}
