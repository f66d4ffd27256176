"""Saving a small file, and being refused by the system."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from mlpk.errors import FileAccessError
from mlpk.file import writer

Save = Callable[..., Any]


@pytest.fixture(autouse=True)
def posix() -> None:
    """Skip where files are others than those that the tests speak of."""
    if sys.platform == "win32":
        pytest.skip("speaks of POSIX files")


@pytest.fixture
def save(fields: dict[str, Any], arrays: dict[str, Any]) -> Save:
    """Return what saves the small file, at a path and with options such as `durable=False`."""
    return lambda path, **options: writer.write(path, fields, arrays, **options)


@pytest.fixture
def data(fields: dict[str, Any], arrays: dict[str, Any]) -> bytes:
    """Return the bytes that `save` writes."""
    return writer.dump(fields, arrays)


@pytest.fixture(scope="session")
def refuse() -> Callable[..., FileAccessError]:
    """Return what saves to a path that is refused, with this problem and number of an error."""

    def call(
        save: Save, path: Any, problem: str | None = None, number: int | None = None
    ) -> FileAccessError:
        with pytest.raises(FileAccessError, match=problem) as caught:
            save(path)
        assert caught.value.path == str(path)
        if number is not None:
            assert caught.value.errno == number
        return caught.value

    return call


@pytest.fixture(scope="session")
def file_size_limit() -> Callable[[int], AbstractContextManager[None]]:
    """Return what lets the system refuse to write a file any further than so many bytes."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        import resource  # which POSIX systems alone have

        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited
