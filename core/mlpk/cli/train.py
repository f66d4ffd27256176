"""`mlpk train`: from a configuration to a trained model."""

from __future__ import annotations

import re
from pathlib import Path

import click
import numpy as np

import mlpk
from mlpk.calling import callback
from mlpk.cli.config import changes_option, read_config
from mlpk.cli.data import read_data
from mlpk.cli.kinds import made, measured
from mlpk.cli.network import network
from mlpk.cli.output import check_model_output
from mlpk.cli.text import results
from mlpk.errors import ConfigError
from mlpk.optimizer import Optimizer
from mlpk.training import Fit
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
    early_stopping or moving_average, has those saved, and ends the run for good.

    Results of the last epoch go to standard output.
    """
    run = read_config(config, changes)
    check_model_output(output, (config,))
    fit = _fit(run, Path(config).parent, output, resume=resume)
    if Path(output).exists() and not resume:
        message = f"{output} will be replaced after the first epoch; --resume would go on with it."
        click.echo(message, err=True)
    try:
        history = fit.run()
    except KeyboardInterrupt:
        saved = fit.saved or (resume and Path(output).exists())
        hint = f"--resume goes on from what {output} holds." if saved else "Nothing was saved yet."
        click.echo(hint, err=True)
        raise
    if fit.logs:
        if fit.stopped and fit.epoch < fit.epochs:
            click.echo(f"A callback ended the run after epoch {fit.epoch}.", err=True)
    elif fit.stopped:
        problem = f"The run in {output} ended at epoch {fit.epoch}, and does not go on from there; "
        click.echo(f"{problem}nothing was trained.", err=True)
    else:
        wanted = f"of the {fit.epochs} wanted" if fit.epoch > fit.epochs else f"of {fit.epochs}"
        click.echo(f"{output} is at epoch {fit.epoch} {wanted} already.", err=True)
    if not _holds(output, fit.model):
        # A callback put other weights in place at the end; from these the run cannot go on.
        click.echo(
            "A callback put other weights in place at the end, and these are saved; the results "
            "below are those of the last epoch.",
            err=True,
        )
        fit.stop()
        fit.save(output)
    if fit.saved:
        click.echo(f"Saved {output}.", err=True)
    click.echo(results({name: column[-1] for name, column in history.metrics.items()}))


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


def _holds(path: str, model: mlpk.Model) -> bool:
    """Tell whether a file holds exactly these parameters and buffers."""
    if not Path(path).exists():
        return False
    saved = mlpk.load_arrays(path)
    arrays = {**model.params, **model.buffers}
    return all(
        name in saved and np.array_equal(saved[name], array) for name, array in arrays.items()
    )
