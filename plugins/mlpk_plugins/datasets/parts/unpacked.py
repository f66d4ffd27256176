"""The bytes of a file, gzipped or not, and never more of them than were asked for."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

from mlpk.errors import DataError, FileAccessError

__all__ = ["Unpacked", "unpacked"]

GZIP = b"\x1f\x8b"
CHUNK = 2**20


class Unpacked:
    """An open file that is read from its first byte to its last, in pieces of known sizes."""

    def __init__(self, stream: BufferedIOBase, path: Path) -> None:
        self.stream = stream
        self.path = path
        self.taken = 0

    def take(self, size: int, what: str) -> bytearray:
        """Return the next `size` bytes, which are the file's `what`.

        Memory grows with what is there, not with `size`: a header may claim anything.
        """
        data = bytearray()
        while len(data) < size and (chunk := self.stream.read(min(CHUNK, size - len(data)))):
            data += chunk
        if len(data) < size:
            raise DataError(
                f"{self.path}: wanted {size:,} bytes of {what} from byte {self.taken:,} on, "
                f"found {len(data):,}: the file was cut short; remove it and get it again"
            )
        self.taken += size
        return data

    def finish(self) -> None:
        """Make sure that nothing follows, and so that gzip's checksum was compared."""
        if self.stream.read(1):
            raise DataError(
                f"{self.path}: wanted {self.taken:,} bytes in all, found more; "
                "remove the file and get it again"
            )


@contextmanager
def unpacked(path: Path) -> Iterator[Unpacked]:
    """Open a file; whether it is gzip is told by its first bytes, whatever its name."""
    try:
        with path.open("rb") as file:
            if file.peek(len(GZIP))[: len(GZIP)] != GZIP:
                yield Unpacked(file, path)
                return
            with gzip.GzipFile(fileobj=file) as stream:
                yield Unpacked(stream, path)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(
            f"{path}: wanted an intact gzip file, found a damaged one ({error}); "
            "remove it and get it again"
        ) from None
    except OSError as error:
        raise FileAccessError(
            f"{path} cannot be read: {error.strerror or error}", str(path), error.errno
        ) from None
