"""`mlpk gradcheck`: each layer's gradient against differences, on a file's own weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlpk.table import table

if TYPE_CHECKING:
    from mlpk_plugins.commands.parts.gradients import Finding

__all__ = ["command"]

HEAD = ("node", "kind", "gradient of", "relative error", "left out", "ok")
NUMBERS = ("relative error", "left out")


@click.command("gradcheck")
@click.argument("model", metavar="MODEL.mlpk")
@click.option("--rows", type=click.IntRange(1), default=5, show_default=True, help="How many rows.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of what is drawn."
)
@click.option(
    "--input", "given", metavar="X.npy", help="Take the first rows of a file (.npz by name)."
)
@click.option("--training", is_flag=True, help="In training mode, instead of evaluation.")
def command(model: str, rows: int, seed: int, given: str | None, training: bool) -> None:
    """Check the gradients of a model's layers, on its own weights.

    The network runs in float64 on random rows. Then each node is taken alone, on what the others
    feed it there: each array and each input moves a little both ways along random directions, and
    the change of the output is compared with what `backward` says. The error is that of the slope,
    relative to the gradient's length, the middle one of three directions; up to 1e-06 is ok.

    Where an output bends there is no slope to compare with: relu at 0, a maximum of equals. Such
    outputs are left out, "left out" tells how many, and "unclear" is a gradient all of whose outputs
    bend. A gradient that is too small for rounding to show it at all passes. Everything holds for
    these rows alone: other rows may reach other branches of a layer.

    In training, dropout drops the same numbers each time, and batch_norm takes the statistics of the
    rows. Whole numbers are drawn as far as layers take them, at most to 999; unknown lengths are
    32. With --input the rows are those of a file. The exit status is 0 if no gradient is wrong.
    """
    from mlpk.cli.check_error import CheckError  # noqa: PLC0415 - a catalog is made without these
    from mlpk_plugins.commands.parts.gradients import findings  # noqa: PLC0415 - likewise

    found = findings(model, rows, seed, given, training=training)
    click.echo(table(HEAD, [_row(each) for each in found], NUMBERS))
    wrong = [f"{each.node} ({each.array})" for each in found if each.state == "no"]
    if wrong:
        raise CheckError(f"{len(wrong)} of {len(found)} gradients are wrong: {', '.join(wrong)}")


def _row(found: Finding) -> tuple[str, ...]:
    error = "-" if found.error is None else f"{found.error:.1e}"
    left_out = f"{found.left_out:.1%}" if found.left_out else ""
    return found.node, found.kind, found.array, error, left_out, found.state
