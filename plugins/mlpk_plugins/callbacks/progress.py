"""Progress: a bar on a terminal, a line an epoch elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

from mlpk import hookimpl
from mlpk_schemas.errors import quoted

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from mlpk.training import Fit


class Progress:
    """Shows how a run goes, on standard error, so that results on standard output stay clean.

    On a terminal it is a bar a run with the newest numbers, and a line for each finished epoch;
    elsewhere only these lines. They have all that is a number; the arrays of a metric such as
    `confusion_matrix` are left to the history. At the end comes the reason of the callback that ended
    the run, if one did, and the notes of others, such as what `early_stopping` found best.
    """

    kind: ClassVar[str] = "progress"

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._bar: Bar | None = None

    @hookimpl
    def mlpk_fit_begin(self, fit: Fit) -> None:
        stream = self._stream or sys.stderr
        if stream.isatty():
            self._bar = _bar(stream)
            self._bar.add_task("", total=fit.batches, numbers="")
            self._bar.start()

    @hookimpl
    def mlpk_batch_end(self, fit: Fit) -> None:
        if self._bar is not None:
            epoch = f"epoch {fit.epoch}/{fit.epochs}"
            text = f"loss {fit.logs['loss']:.4f}"
            self._bar.update(
                self._bar.task_ids[0], completed=fit.batch, description=epoch, numbers=text
            )

    @hookimpl
    def mlpk_epoch_end(self, fit: Fit) -> None:
        line = (
            f"epoch {fit.epoch}/{fit.epochs}  {fit.history.seconds[-1]:.1f} s  {_numbers(fit.logs)}"
        )
        if self._bar is not None:
            self._bar.console.print(line, highlight=False)
        else:
            self._print(line)

    @hookimpl(trylast=True)
    def mlpk_fit_end(self, fit: Fit) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if (reason := fit.history.ended) is not None:
            # It may come from a file, and text of a stranger's could steer the terminal.
            why = reason if reason.isprintable() else quoted(reason, 200)
            self._print(f"Ended by a callback after epoch {fit.epoch}: {why}")
        for note in fit.history.notes:
            self._print(note)

    def _print(self, line: str) -> None:
        print(line, file=self._stream or sys.stderr, flush=True)


def _bar(stream: TextIO) -> Bar:
    from rich.console import Console  # noqa: PLC0415 - a terminal alone needs it
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415 - likewise
    from rich.progress import Progress as Bar  # noqa: PLC0415 - likewise

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[numbers]}"),
        console=Console(file=stream),
        transient=True,
    )


def _numbers(logs: Mapping[str, Any]) -> str:
    return "  ".join(
        f"{name} {value:.4f}" for name, value in logs.items() if isinstance(value, Real)
    )
