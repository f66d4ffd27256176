"""`mlpk demo`: a network that learns to read digits, in seconds."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

import mlpk
from mlpk.arrays import Array
from mlpk.cli.output import check_output
from mlpk.cli.text import clean
from mlpk.errors import FileAccessError, FileFormatError
from mlpk.table import size

__all__ = ["command"]

MADE_BY = {"made_by": "mlpk demo"}
INK = " .:-=+*#%@"
GAP = "   "
SHOWN = 4


@click.command("demo")
@click.option("-o", "--output", default="digits.mlpk", show_default=True, help="Where to save.")
@click.option("--seed", default=0, show_default=True, help="Of the first values and the order.")
@click.option("--epochs", default=20, show_default=True, type=click.IntRange(1))
def command(output: str, seed: int, epochs: int) -> None:
    """Train on the built-in handwritten digits, save the model, load it back and try it."""
    check_output(output, ())
    _refuse_other(output)
    x, y, x_test, y_test = mlpk.datasets.digits()
    model = mlpk.Model(
        [
            "flatten",
            {"kind": "dense", "units": 128, "init": "he_normal"},
            "batch_norm",
            "relu",
            {"kind": "dense", "units": 10},
        ],
        input_shape=x.shape[1:],
        seed=seed,
    )
    click.echo(f"Training on {len(x):,} handwritten digits.", err=True)
    model.fit(
        x,
        y,
        loss="softmax_cross_entropy",
        optimizer={"kind": "adam", "lr": 0.003},
        epochs=epochs,
        metrics=["accuracy"],
    )
    digest = model.save(output, meta={**MADE_BY, "classes": " ".join("0123456789")})
    click.echo(f"saved    {clean(output)}, {size(Path(output).stat().st_size)}, {digest}")

    model = mlpk.load(output, expect=digest)
    read = model.predict(x_test).argmax(axis=-1)
    right = int(np.sum(read == y_test))
    click.echo(
        f"loaded   it back: accuracy {right / len(read):.4f}, {right} of {len(read)} digits that "
        "were kept aside"
    )
    click.echo(f"\n{_pictures(x_test, read, y_test)}\n")
    click.echo(f"Try next: mlpk inspect {clean(output)}, mlpk plugins, mlpk train --help")


def _refuse_other(path: str) -> None:
    """Refuse to replace a file that is not of this command's making."""
    if not Path(path).exists():
        return
    try:
        mine = MADE_BY.items() <= mlpk.inspect(path).meta.items()
    except FileFormatError:
        mine = False
    if not mine:
        problem = f"{path} is there already, and not from mlpk demo; give another name with -o"
        raise FileAccessError(problem, path)


def _pictures(x: Array, read: Array, y: Array) -> str:
    """Return some images (N, 8, 8, 1) side by side, and what was read; a mistake is among them."""
    right, wrong = np.flatnonzero(read == y), np.flatnonzero(read != y)[:1]
    rows = [*right[: SHOWN - len(wrong)], *wrong]
    shades = np.array(list(INK))[np.rint(x[rows, ..., 0] * (len(INK) - 1)).astype(int)]
    # A character is about twice as high as it is wide, so each dot is printed twice.
    wide = shades.repeat(2, axis=-1)
    lines = [GAP.join("".join(line) for line in lines) for lines in wide.swapaxes(0, 1)]
    told = (f"read {read[row]}, is {y[row]}".ljust(wide.shape[-1]) for row in rows)
    return "\n".join(line.rstrip() for line in [*lines, GAP.join(told)])
