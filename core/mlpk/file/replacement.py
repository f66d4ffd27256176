"""Replacing a file as a whole: whoever opens its name finds the old bytes or the new ones."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from mlpk.errors import FileAccessError
from mlpk.file.source import PathLike, kind_of_file, path_text
from mlpk.file.threads import Threads

__all__ = ["check_target", "replacement", "syncing"]

_BUFFER: Final = 2**16
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_ADVICE: Final = {
    errno.ENOSPC: "make room there, or save elsewhere",
    errno.EDQUOT: "make room there, or save elsewhere",
    errno.EINTR: "save again",
    errno.ELOOP: "mend the links that lead in a circle, or save elsewhere",
    errno.ENAMETOOLONG: "choose a shorter name",
}


@contextmanager
def replacement(path: PathLike, *, durable: bool) -> Iterator[BinaryIO]:
    """Yield a new file that takes the place of `path` when the block ends well, else vanishes.

    Until then it has a name of its own in the same folder. It keeps the mode of the file that it
    replaces; of a symbolic link the target is replaced. With `durable` its bytes are on the disk
    before it takes the place, and its name when this returns. What the system refuses, also in
    the block, is raised as `FileAccessError`.
    """
    name = path_text(path)
    try:
        target, mode = _target(name)
        with _temporary(target.parent, 0o666 if mode is None else 0o600) as (temporary, file):
            yield file
            file.flush()
            if mode is not None and sys.platform != "win32":
                os.fchmod(file.fileno(), mode)
            if durable:
                os.fsync(file.fileno())
            file.close()
            temporary.replace(target)
    except FileAccessError:
        raise
    except OSError as error:
        raise _failed(name, error) from error
    if durable:
        _sync(target.parent, name)


@contextmanager
def syncing(file: BinaryIO) -> Iterator[None]:
    """Bring what was written so far to the disk while the block goes on, and wait for that.

    Raises what the system says of it, which it says only once.
    """
    file.flush()
    with Threads(1) as threads:
        synced = threads.begin(partial(os.fsync, file.fileno()))
        yield
        synced.result()


def check_target(path: PathLike) -> None:
    """Refuse a path that `replacement` could not write to, before hours of work depend on it."""
    name = path_text(path)
    try:
        target, _ = _target(name)
        with _temporary(target.parent, 0o600):
            pass
    except FileAccessError:
        raise
    except OSError as error:
        raise _failed(name, error) from error


def _target(name: str) -> tuple[Path, int | None]:
    """Return the file that `name` leads to and its mode, None if it is yet to be made."""
    if not Path(name).name or name.endswith((os.sep, os.altsep or os.sep)):
        problem = f"{name}: wanted the name of a file to write, found that of a folder"
        raise FileAccessError(problem, name, errno.EISDIR)
    try:
        target = _followed(name)
    except FileNotFoundError as error:
        problem = f"{name}: the folder that this path begins in, the current one, is gone"
        raise FileAccessError(f"{problem}; give a full path", name, errno.ENOENT) from error
    except ValueError as error:
        raise FileAccessError(f"{name!r}: cannot be written: {error}", name) from error
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        if not target.parent.is_dir():
            problem = f"{name}: there is no folder {target.parent}; make it first"
            raise FileAccessError(problem, name, errno.ENOENT) from None
        return target, None
    if not stat.S_ISREG(mode):
        problem = f"{name}: wanted a regular file to write, found {kind_of_file(mode)}"
        number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise FileAccessError(problem, name, number)
    return target, stat.S_IMODE(mode)


def _followed(name: str) -> Path:
    """Return what a path leads to through all links, also where that is yet to be made."""
    try:
        return Path(os.path.realpath(name, strict=True))
    except FileNotFoundError:
        return Path(os.path.realpath(name))


@contextmanager
def _temporary(folder: Path, mode: int) -> Iterator[tuple[Path, BinaryIO]]:
    """Yield a new file under a name that nobody else has; afterwards nothing has that name.

    The name does not grow with the target's. It is settled before the file is there, since an
    interruption (Ctrl-C) may come at any moment, also before anyone holds what was opened. One
    that comes while the file is removed is caught by the second attempt.
    """
    path = _free(folder)
    file = None
    try:
        try:
            file = os.fdopen(os.open(path, _FLAGS, mode), "wb", _BUFFER)
            yield path, file
        finally:
            _remove(path, file)
    except BaseException:
        _remove(path, file)
        raise


def _free(folder: Path) -> Path:
    """Return a name that nothing has; nobody can guess it and take it meanwhile."""
    while os.path.lexists(path := folder / f".mlpk-{os.urandom(8).hex()}"):
        pass
    return path


def _remove(path: Path, file: BinaryIO | None) -> None:
    if file is not None:
        with suppress(OSError):
            file.close()
    with suppress(OSError):
        if os.path.lexists(path):  # it is not, once it took its place
            path.unlink()


def _failed(name: str, error: OSError) -> FileAccessError:
    advice = _ADVICE.get(error.errno or 0, "save elsewhere")
    problem = f"{name}: cannot be written: {error.strerror or error}; {advice}"
    return FileAccessError(problem, name, error.errno)


def _sync(folder: Path, name: str) -> None:
    """Bring the new name to the disk; Windows has no such call."""
    if sys.platform == "win32":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        problem = (
            f"{name}: was written, but its folder cannot be brought to the disk: {error.strerror}; "
            "durable=False leaves that to the system"
        )
        raise FileAccessError(problem, name, error.errno) from error
