"""Where a command writes: checked before it starts to work."""

from __future__ import annotations

from pathlib import Path

from mlpk.errors import FileAccessError, FileFormatError
from mlpk.file import reader
from mlpk.file.replacement import check_target
from mlpk.file.source import Source

__all__ = ["check_model_output", "check_output"]


def check_output(path: str, inputs: tuple[str, ...]) -> None:
    """Refuse a path that cannot be written to, or that would replace what the command reads."""
    check_target(path)
    for given in inputs:
        if Path(path).exists() and Path(given).exists() and Path(path).samefile(given):
            raise FileAccessError(
                f"{path} is what this command reads; write elsewhere with -o", path
            )


def check_model_output(path: str, inputs: tuple[str, ...]) -> None:
    """Refuse, besides, to replace a file that is no model."""
    check_output(path, inputs)
    if not Path(path).exists():
        return
    try:
        with Source.open(path) as source:
            reader.digest(source)
    except FileFormatError as error:
        problem = f"{path} is there already and is no .mlpk file; give another name with -o"
        raise FileAccessError(problem, path) from error
