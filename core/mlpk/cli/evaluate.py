"""`mlpk evaluate`: how good a model is."""

from __future__ import annotations

from pathlib import Path

import click

import mlpk
from mlpk.cli.config import changes_option, read_config
from mlpk.cli.data import read_data
from mlpk.cli.kinds import measured
from mlpk.cli.text import results

__all__ = ["command"]


@click.command("evaluate")
@click.argument("model", metavar="MODEL.mlpk")
@click.argument("config", metavar="CONFIG.toml")
@changes_option
def command(model: str, config: str, changes: tuple[str, ...]) -> None:
    """Print loss and metrics of a model on the test part of the data.

    Data without a test part are used whole. The loss includes the regularizer's penalty, as in
    training.
    """
    run = read_config(config, changes)
    measures = measured(run.fit)
    loaded = mlpk.load(model)
    data = read_data(run.data, Path(config).parent)
    if data.test is not None:
        found = loaded.evaluate(*data.test, **measures)
    else:
        found = loaded.evaluate(data.x, data.y, weight=data.weight, **measures)
    click.echo(results(found))
