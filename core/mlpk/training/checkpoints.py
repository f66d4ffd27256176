"""Earlier checkpoints of a run, beside the newest: run-000700.mlpk is what run.mlpk was at step 700."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlpk.errors import ConfigError, MlpkError, shown
from mlpk.file import model_file, reader
from mlpk.file.replacement import check_target, replacement
from mlpk.file.source import Source

__all__ = [
    "all_earlier",
    "check_earlier",
    "checked",
    "earlier",
    "earlier_whole",
    "identity",
    "keep_as_earlier",
    "settled",
    "step_of",
]

# More digits than the step of any run has.
LAST = 10**12


def earlier(path: str, step: int) -> Path:
    """Return the name of a checkpoint that `path` held at a step."""
    newest = Path(path)
    return newest.with_name(f"{newest.stem}-{step:06d}{newest.suffix}")


def settled(path: str | os.PathLike[str]) -> str:
    """Return a path that stays that of one file wherever the program goes from here."""
    name = os.fsdecode(path)
    try:
        # Of "folder/", which is no file, the end says so; `abspath` would take it off.
        return os.path.join(Path.cwd(), name)  # noqa: PTH118 - a `Path` would take it off, too
    except FileNotFoundError:  # the current folder is gone, which is told where it is written to
        return name


def checked(path: Any) -> str | None:
    """Return `checkpoint=` as a settled path, refused at once where nothing could be written."""
    if path is None:
        return None
    if not isinstance(path, str | os.PathLike):
        raise ConfigError("checkpoint", f"wanted the path of a file, found {shown(path)}")
    name = settled(path)
    check_target(name)
    return name


def check_earlier(path: str) -> None:
    """Refuse a path beside which no earlier checkpoints could stand."""
    check_target(earlier(path, LAST))
    for other, _ in all_earlier(Path(path)):
        check_target(other)


def identity(path: str | Path) -> str | None:
    """Return the digest of a model file, which no other has; None for anything else that is there."""
    try:
        with Source.open(os.fspath(path)) as source:
            return reader.digest(source)
    except (MlpkError, OSError):
        return None


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
        import shutil  # noqa: PLC0415 - few file systems need it

        with Path(newest).open("rb") as held, replacement(target, durable=False) as copy:
            shutil.copyfileobj(held, copy)


def earlier_whole(path: str) -> tuple[Path, int] | None:
    """Return the last written of the earlier checkpoints that are whole, with its step, if any.

    Files that only look like one are passed over, and those that this program cannot go on from.
    """
    found = []
    for other, step in all_earlier(Path(path)):
        with suppress(OSError):
            found.append((other.stat().st_mtime_ns, step, other))
    for _, step, other in sorted(found, reverse=True):
        with suppress(MlpkError, OSError):  # also one that is whole and cannot be gone on from here
            header, _ = model_file.checkpoint(other)
            if header.state is not None and header.state.fit.step == step:
                return other, step
    return None


def all_earlier(newest: Path) -> Iterator[tuple[Path, int]]:
    """Yield what is called like an earlier checkpoint, and the step in its name."""
    for other in newest.parent.glob("*"):
        digits = other.stem.removeprefix(f"{newest.stem}-")
        if digits.isascii() and digits.isdecimal() and len(digits) < len(str(LAST)):
            step = int(digits)
            if other == earlier(str(newest), step):
                yield other, step
