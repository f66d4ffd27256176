"""Writing that fails, or is broken off: the old file stays, and nothing else does."""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager, suppress

import numpy as np
import pytest

from mlpk.file import replacement as module
from mlpk.file import writer
from mlpk.file.replacement import check_target, replacement


@pytest.mark.parametrize("existing", [False, True])
def test_wherever_writing_fails_the_old_file_stays(
    save, data, tmp_path, existing, refuse, file_size_limit
):
    path = tmp_path / "a.mlpk"
    if existing:
        path.write_bytes(b"old")
    for size in range(0, len(data), 13):
        with file_size_limit(size):
            error = refuse(save, path, "cannot be written: File too large", errno.EFBIG)
        assert isinstance(error.__cause__, OSError)
        assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"old"] * existing
    with file_size_limit(len(data)):
        save(path)
    assert path.read_bytes() == data


def test_a_full_disk_in_the_middle_of_a_large_array(fields, tmp_path, refuse, file_size_limit):
    large = {"a/a": np.ones(5 * 2**20)}
    with file_size_limit(20 * 2**20):
        refuse(lambda path: writer.write(path, fields, large), tmp_path / "a", number=errno.EFBIG)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", ["fsync", "replace", "fchmod"])
def test_a_call_that_fails_leaves_the_old_file(save, tmp_path, monkeypatch, call, refuse):
    path = tmp_path / "a.mlpk"
    path.write_bytes(b"old")

    def fail(_, __=None):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    error = refuse(save, path, "cannot be written: No space left", errno.ENOSPC)
    assert error.__cause__.errno == errno.ENOSPC
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_synced_is_told(save, data, tmp_path, monkeypatch, refuse):
    path = tmp_path / "a.mlpk"
    calls = []
    sync = os.fsync

    def second_fails(descriptor):
        calls.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        if len(calls) == 2:
            raise OSError(errno.EIO, "Input/output error")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", second_fails)
    refuse(save, path, "was written, but its folder cannot be", errno.EIO)
    assert calls == [False, True]
    assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]
    save(path, durable=False)
    assert len(calls) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_an_interruption_leaves_nothing_behind(tmp_path, error):
    path = tmp_path / "a.mlpk"
    path.write_bytes(b"old")

    def interrupted():
        with replacement(path, durable=True) as file:
            file.write(b"new")
            raise error

    with pytest.raises(error):
        interrupted()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@contextmanager
def interrupted_at(line):
    """Let Ctrl-C come at the line of this number, of all that run in the module; yield where."""
    seen, before, place = 0, sys.gettrace(), []

    def trace(frame, event, _):
        nonlocal seen
        if frame.f_code.co_filename != module.__file__:
            return None
        seen += event == "line"
        if seen == line and not place:
            place.append(frame.f_lineno)
            raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        yield place
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("act", ["save", "check"])
def test_wherever_ctrl_c_comes_nothing_is_left_behind(save, tmp_path, act):
    path = tmp_path / "a.mlpk"
    save(path)
    place, line = [0], 0
    while place:
        line += 1
        with suppress(KeyboardInterrupt), interrupted_at(line) as place:
            save(path, durable=False) if act == "save" else check_target(path)
        assert [each.name for each in tmp_path.iterdir()] == ["a.mlpk"], f"line {place}"
    assert line > 20


@pytest.mark.parametrize("act", ["save", "check"])
def test_ctrl_c_as_the_file_is_made_leaves_nothing_behind(save, tmp_path, monkeypatch, act):
    real = os.open

    def opened_and_interrupted(path, flags, *rest, **options):
        os.close(real(path, flags, *rest, **options))
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "open", opened_and_interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path / "a.mlpk") if act == "save" else check_target(tmp_path / "a.mlpk")
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
