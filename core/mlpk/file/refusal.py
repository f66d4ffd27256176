"""Turning what a damaged or hostile file provokes into an error that names the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlpk.errors import ConfigError, FileFormatError

__all__ = ["escaped", "refusal"]


@contextmanager
def refusal(path: str | None = None) -> Iterator[None]:
    """Raise the errors of the block as `FileFormatError` with the file's path.

    `FileAccessError` passes, since the system's failure is not the file's.
    """
    try:
        yield
    except FileFormatError as error:
        raise FileFormatError(
            error.problem, path=path, field=error.field, offset=error.offset
        ) from error.__cause__
    except ConfigError as error:
        # Some validators quote a value as it is, so the sentence is escaped and cut as well.
        raise FileFormatError(
            escaped(error.problem, 320), path=path, field=escaped(error.where) or "header"
        ) from None
    except (MemoryError, RecursionError) as error:
        raise FileFormatError("there is not enough memory to read this file", path=path) from error


def escaped(text: str, limit: int = 80) -> str:
    """Return text from a file for a message: printable ASCII, cut to `limit` characters.

    A backslash stays as it is: most are of what was escaped before.
    """
    safe = "".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in text[: limit + 1])
    return safe if len(safe) <= limit else safe[: limit - 3] + "..."
