"""Earlier checkpoints of a run, beside the newest: run-000700.mlpk is what run.mlpk was at step 700."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from mlpk.errors import FileFormatError, MlpkError
from mlpk.file import model_file
from mlpk.file.replacement import replacement

__all__ = ["earlier", "earlier_whole", "keep_as_earlier", "step_of"]


def earlier(path: str, step: int) -> Path:
    """Return the name of a checkpoint that `path` held at a step."""
    newest = Path(path)
    return newest.with_name(f"{newest.stem}-{step:06d}{newest.suffix}")


def step_of(path: str | Path) -> int | None:
    """Return the step at which a checkpoint was written; None for anything else that is there."""
    try:
        state = model_file.header(path).state
    except (MlpkError, OSError):
        return None
    return None if state is None else state.fit.step


def keep_as_earlier(path: str, step: int) -> None:
    """Let what `path` holds stay under the name of its step when `path` is written again.

    Costs no space of its own and no time where the file system has links, else a copy.
    """
    newest, target = os.path.realpath(path), earlier(path, step)
    try:
        target.unlink(missing_ok=True)
        os.link(newest, target)
    except OSError:
        with Path(newest).open("rb") as held, replacement(target, durable=False) as copy:
            shutil.copyfileobj(held, copy)


def earlier_whole(path: str) -> tuple[Path, int] | None:
    """Return the last written of the earlier checkpoints that are whole, with its step, if any.

    Files that only look like one are passed over.
    """
    newest = Path(path)
    found = []
    for other in newest.parent.glob("*"):
        digits = other.stem.removeprefix(f"{newest.stem}-")
        if digits.isascii() and digits.isdecimal() and other == earlier(path, int(digits)):
            with suppress(OSError):
                found.append((other.stat().st_mtime_ns, int(digits), other))
    for _, step, other in sorted(found, reverse=True):
        with suppress(FileFormatError, OSError):
            header, _ = model_file.checkpoint(other)
            if header.state is not None and header.state.fit.step == step:
                return other, step
    return None
