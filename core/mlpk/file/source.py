"""Where a .mlpk file is read from: an open regular file, or bytes in memory."""

from __future__ import annotations

import errno
import mmap
import os
import stat
import sys
from abc import ABC, abstractmethod
from threading import Lock
from typing import Final, Self

from mlpk.errors import ConfigError, FileAccessError, FileFormatError, shown

__all__ = ["PathLike", "Source", "Window", "kind_of_file", "path_text"]

PathLike = str | os.PathLike[str]

# Opening a FIFO must not wait for its writer, nor a terminal become ours; Windows knows neither,
# but would rewrite line ends.
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_KINDS: Final = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFLNK: "a symbolic link",
}


class Source(ABC):
    """`size` bytes that any thread may read at any offset; `path` is None for bytes in memory."""

    size: int
    path: str | None

    @staticmethod
    def open(path: PathLike) -> Source:
        """Return a regular file, opened once, for reading."""
        return _File(path)

    @staticmethod
    def of(data: bytes | bytearray | memoryview) -> Source:
        """Return bytes in memory as a source; what could still be changed is copied."""
        return _Memory(data)

    @abstractmethod
    def read_into(self, memory: memoryview, offset: int) -> None:
        """Fill `memory` with the bytes from `offset` on, or raise."""

    @abstractmethod
    def mapped(self) -> memoryview:
        """Return all bytes, read-only and without a copy; they outlive the source."""

    def read(self, length: int, offset: int) -> memoryview:
        """Return `length` bytes from `offset` on."""
        memory = memoryview(bytearray(length))
        self.read_into(memory, offset)
        return memory.toreadonly()

    @abstractmethod
    def close(self) -> None:
        """Give the file back; reading ends here."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Memory(Source):
    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        if not isinstance(data, bytes | bytearray | memoryview):
            raise ConfigError("data", f"wanted the bytes of a .mlpk file, found {shown(data)}")
        self._data = memoryview(bytes(data))
        self.size = len(self._data)
        self.path = None

    def read_into(self, memory: memoryview, offset: int) -> None:
        memory[:] = self.read(len(memory), offset)

    def read(self, length: int, offset: int) -> memoryview:
        if not 0 <= offset <= self.size - length:
            raise _ended(self.size)
        return self._data[offset : offset + length]

    def mapped(self) -> memoryview:
        return self._data

    def close(self) -> None:
        pass  # what others still hold lives on


class _File(Source):
    def __init__(self, path: PathLike) -> None:
        self.path = path_text(path)
        self._lock = Lock()
        try:
            self._descriptor = os.open(self.path, _FLAGS)
        except ValueError as error:  # a NUL or a lone surrogate, which no terminal should get
            raise FileAccessError(f"{self.path!r}: cannot be opened: {error}", self.path) from error
        except OSError as error:
            raise self._failed("opened", error) from error
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            self.close()
            problem = f"{self.path}: wanted a regular file, found {kind_of_file(status.st_mode)}"
            number = errno.EISDIR if stat.S_ISDIR(status.st_mode) else errno.EINVAL
            raise FileAccessError(problem, self.path, number)
        self.size = status.st_size

    def read_into(self, memory: memoryview, offset: int) -> None:
        while memory:
            try:
                count = self._read_at(memory, offset)
            except OSError as error:
                raise self._failed("read", error) from error
            if count == 0:
                raise _ended(offset)
            memory = memory[count:]
            offset += count

    def mapped(self) -> memoryview:
        try:
            return memoryview(mmap.mmap(self._descriptor, self.size, access=mmap.ACCESS_READ))
        except (OSError, ValueError, OverflowError) as error:
            raise self._failed("mapped", error) from error

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    if sys.platform == "win32":

        def _read_at(self, memory: memoryview, offset: int) -> int:
            with self._lock:
                os.lseek(self._descriptor, offset, os.SEEK_SET)
                data = os.read(self._descriptor, len(memory))
            memory[: len(data)] = data
            return len(data)

    else:

        def _read_at(self, memory: memoryview, offset: int) -> int:
            return os.preadv(self._descriptor, [memory], offset)

    def _failed(self, what: str, error: Exception) -> FileAccessError:
        path = self.path or ""
        reason = error.strerror if isinstance(error, OSError) else str(error)
        problem = f"{path}: cannot be {what}: {reason}"
        return FileAccessError(problem, path, getattr(error, "errno", None))


class Window:
    """A source read forward in strides, so that many small pieces cost few system calls."""

    STRIDE: Final = 16 * 2**10

    def __init__(self, source: Source) -> None:
        self._source = source
        self._start = 0
        self._held = memoryview(b"")

    def read(self, length: int, offset: int) -> memoryview:
        """Return `length` bytes from `offset` on."""
        begin = offset - self._start
        if begin < 0 or begin + length > len(self._held):
            ahead = min(self.STRIDE, self._source.size - offset)
            self._held = self._source.read(max(length, ahead), offset)
            self._start, begin = offset, 0
        return self._held[begin : begin + length]


def path_text(path: object, where: str = "path") -> str:
    """Return a path as text, or refuse what is none; `where` names the argument."""
    text = path.__fspath__() if isinstance(path, os.PathLike) else path
    if isinstance(text, str):
        return text
    problem = f"wanted a path as text or a pathlib.Path, found {shown(path)}"
    if isinstance(path, bytes | bytearray | memoryview):
        problem += "; loads takes the bytes of a file, and os.fsdecode makes text of a path"
    raise ConfigError(where, problem)


def kind_of_file(mode: int) -> str:
    """Return the word for what a file's mode says it is."""
    return _KINDS.get(stat.S_IFMT(mode), "something else")


def _ended(offset: int) -> FileFormatError:
    return FileFormatError(
        "the file ended while it was read: something else shortened it; copy it again",
        offset=offset,
    )
