"""Replacing a file: all of it or nothing, whatever fails, and only where a file belongs."""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from mlpk.errors import ConfigError, FileAccessError
from mlpk.file import replacement as module
from mlpk.file import writer
from mlpk.file.replacement import check_target, replacement

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="speaks of POSIX files")


@pytest.fixture
def save(fields, arrays):
    return lambda path, **options: writer.write(path, fields, arrays, **options)


@pytest.fixture
def data(fields, arrays):
    return writer.dump(fields, arrays)


def refuse(save, path, problem=None, number=None):
    with pytest.raises(FileAccessError, match=problem) as caught:
        save(path)
    assert caught.value.path == str(path)
    if number is not None:
        assert caught.value.errno == number
    return caught.value


@contextmanager
def file_size_limit(size):
    """Let the system refuse to write a file any further than `size` bytes."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_new_file_and_a_replaced_one(save, data, tmp_path):
    path = tmp_path / "a.mlpk"
    for given in (path, str(path)):
        save(given)
        assert path.read_bytes() == data
        path.write_bytes(b"old, and longer" * 1000)
    save(path, durable=False)
    assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077, 0])
def test_a_new_file_has_the_mode_of_the_umask(save, tmp_path, umask):
    before = os.umask(umask)
    try:
        save(tmp_path / "a.mlpk")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.mlpk").stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o444, 0o755])
def test_a_replaced_file_keeps_its_mode(save, data, tmp_path, mode):
    path = tmp_path / "a.mlpk"
    path.write_bytes(b"old")
    path.chmod(mode)
    save(path)
    assert path.read_bytes() == data
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_of_a_private_file_nothing_is_public_on_the_way(tmp_path):
    path = tmp_path / "a.mlpk"
    path.write_bytes(b"old")
    path.chmod(0o600)
    with replacement(path, durable=False) as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600


def test_readers_see_the_old_bytes_until_the_end(tmp_path):
    path = tmp_path / "a.mlpk"
    path.write_bytes(b"old")
    with replacement(path, durable=False) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_of_a_link_the_target_is_replaced(save, data, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.mlpk").write_bytes(b"old")
    (tmp_path / "inner").symlink_to(Path("folder") / "a.mlpk")
    (tmp_path / "outer").symlink_to(tmp_path / "inner")
    save(tmp_path / "outer")
    assert (folder / "a.mlpk").read_bytes() == data
    assert not (folder / "a.mlpk").is_symlink()
    assert (tmp_path / "outer").is_symlink()
    assert (tmp_path / "inner").is_symlink()
    assert {path.name for path in tmp_path.rglob("*")} == {"folder", "a.mlpk", "inner", "outer"}


def test_the_target_of_a_dangling_link_is_made(save, data, tmp_path):
    (tmp_path / "link").symlink_to("later.mlpk")
    save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "later.mlpk").read_bytes() == data


def test_a_circle_of_links(save, tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    refuse(save, tmp_path / "a", "links that lead in a circle", errno.ELOOP)
    refuse(save, tmp_path / "a" / "x", "cannot be written", errno.ELOOP)


def test_a_folder_a_fifo_and_a_device_are_no_targets(save, tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    refuse(save, tmp_path / "folder", "found a folder", errno.EISDIR)
    refuse(save, f"{tmp_path}/new/", "found that of a folder", errno.EISDIR)
    refuse(save, "", "found that of a folder", errno.EISDIR)
    refuse(save, tmp_path / "fifo", "found a FIFO", errno.EINVAL)
    refuse(save, tmp_path / "link", "found a FIFO", errno.EINVAL)
    refuse(save, "/dev/null", "found a device", errno.EINVAL)
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "fifo", "link"}


def test_a_place_where_no_file_can_be(save, tmp_path):
    (tmp_path / "file").touch()
    error = refuse(save, tmp_path / "no" / "a.mlpk", "there is no folder", errno.ENOENT)
    assert str(tmp_path / "no") in str(error)
    refuse(save, tmp_path / "file" / "a.mlpk", "cannot be written: Not a dir", errno.ENOTDIR)
    refuse(save, tmp_path / ("a" * 256), "cannot be written: File name too", errno.ENAMETOOLONG)
    refuse(save, "a\0b", r"^'a\\x00b': cannot be written: .*null")


class OfBytes:
    """A path that is one of bytes."""

    def __fspath__(self):
        return b"a.mlpk"


@pytest.mark.parametrize("path", [None, 3, b"a.mlpk", OfBytes()])
@pytest.mark.parametrize("write", [check_target, lambda path: writer.write(path, {}, {})])
def test_what_is_no_path_is_a_wrong_argument(write, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ConfigError, match=r"^path: wanted a path as text or a pathlib\.Path, found"
    ):
        write(path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_folder_that_takes_no_files(save):
    refuse(save, "/proc/self/a.mlpk", "cannot be written")


def test_a_folder_that_may_not_be_written_to(save, sealed):
    refuse(save, sealed / "b.mlpk", "cannot be written: Permission denied", errno.EACCES)


def test_a_name_of_255_bytes(save, data, tmp_path):
    path = tmp_path / ("a" * 250 + ".mlpk")
    save(path)
    assert path.read_bytes() == data


def test_a_name_that_is_no_text(save, data, tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.mlpk"
    save(os.fsdecode(path))
    assert Path(os.fsdecode(path)).read_bytes() == data


@pytest.mark.parametrize("existing", [False, True])
def test_wherever_writing_fails_the_old_file_stays(save, data, tmp_path, existing):
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


def test_a_full_disk_in_the_middle_of_a_large_array(fields, tmp_path):
    large = {"a/a": np.ones(5 * 2**20)}
    with file_size_limit(20 * 2**20):
        refuse(lambda path: writer.write(path, fields, large), tmp_path / "a", number=errno.EFBIG)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", ["fsync", "replace", "fchmod"])
def test_a_call_that_fails_leaves_the_old_file(save, tmp_path, monkeypatch, call):
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


def test_all_bytes_are_synced_under_the_old_name_then_the_new_one(
    save, data, tmp_path, monkeypatch
):
    path = tmp_path / "a.mlpk"
    seen = []

    def look(descriptor):
        status = os.fstat(descriptor)
        seen.append((stat.S_ISDIR(status.st_mode), path.exists()))
        if not stat.S_ISDIR(status.st_mode):
            (temporary,) = tmp_path.iterdir()
            assert temporary.read_bytes() == data

    monkeypatch.setattr(os, "fsync", look)
    save(path)
    assert seen == [(False, False), (True, True)]


def test_a_folder_that_cannot_be_synced_is_told(save, data, tmp_path, monkeypatch):
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


def test_a_foreign_file_of_a_temporary_name_is_left_alone(save, data, tmp_path, monkeypatch):
    drawn = iter([b"taken", b"free"])
    monkeypatch.setattr(os, "urandom", lambda _: next(drawn))
    theirs = tmp_path / f".mlpk-{b'taken'.hex()}"
    theirs.write_bytes(b"theirs")
    save(tmp_path / "a.mlpk")
    assert theirs.read_bytes() == b"theirs"
    assert (tmp_path / "a.mlpk").read_bytes() == data
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_no_descriptor_is_left_open(save, data, tmp_path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    save(tmp_path / "a.mlpk")
    with file_size_limit(len(data) - 1):
        refuse(save, tmp_path / "a.mlpk", "too large")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_relative_path_is_settled_when_the_save_begins(tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    with replacement("a.mlpk", durable=False) as file:
        monkeypatch.chdir(tmp_path / "other")
        file.write(b"new")
    assert (tmp_path / "a.mlpk").read_bytes() == b"new"
