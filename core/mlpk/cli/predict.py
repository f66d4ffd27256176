"""`mlpk predict`: what a model says about new rows."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

import mlpk
from mlpk.arrays import Array
from mlpk.cli.data import read_arrays
from mlpk.cli.output import check_output
from mlpk.errors import ConfigError, MissingPluginError, ShapeError
from mlpk.file.replacement import replacement
from mlpk.model import Model

__all__ = ["command"]


@click.command("predict")
@click.argument("model", metavar="MODEL.mlpk")
@click.argument("rows", metavar="INPUT.npy")
@click.option(
    "-o", "--output", required=True, metavar="OUT.npy", help="Where to write; .npz by name."
)
@click.option("--classes", is_flag=True, help="Write the place of the largest number, as int64.")
def command(model: str, rows: str, output: str, classes: bool) -> None:
    """Write a model's output for rows of input.

    INPUT is an .npy file of rows, or an .npz file with an array for each input by name. Several
    outputs go into an .npz file, by name.
    """
    if not output.endswith((".npy", ".npz")):
        raise ConfigError("--output", f"wanted a name that ends in .npy or .npz, found '{output}'")
    check_output(output, (model, rows))
    loaded = _loaded(model)
    names = loaded.graph.outputs
    if len(names) > 1 and not output.endswith(".npz"):
        problem = (
            f"wanted a name that ends in .npz, for the {len(names)} outputs {', '.join(names)}"
        )
        raise ConfigError("--output", f"{problem}; found '{output}'")
    made = loaded.predict(read_arrays(Path(rows)))
    arrays = made if isinstance(made, dict) else {names[0]: made}
    if classes:
        arrays = {name: _classes(array, name) for name, array in arrays.items()}
    with replacement(output, durable=False) as file:
        if output.endswith(".npz"):
            np.savez(file, allow_pickle=False, **arrays)
        else:
            np.save(file, arrays[names[0]], allow_pickle=False)
    for name, array in arrays.items():
        click.echo(f"{output}: {name}, {array.dtype} of shape {array.shape}", err=True)


def _loaded(path: str) -> Model:
    """Return a model whose layers are all here; what else its training run needs, it does without."""
    try:
        return mlpk.load(path)
    except MissingPluginError:
        model = mlpk.load(path, missing="opaque")
        if not model.graph.is_whole:
            raise
        return model


def _classes(array: Array, name: str) -> Array:
    if array.ndim == 1 or array.shape[-1] == 1:
        problem = "--classes wants several numbers a row to choose from, found one"
        raise ShapeError(problem, f"output '{name}'")
    classes: Array = np.argmax(array, axis=-1).astype(np.int64)
    return classes
