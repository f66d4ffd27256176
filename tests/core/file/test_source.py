"""What a file is read from: regular files and bytes, and nothing else."""

from __future__ import annotations

import errno
import io
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import mlpk
from mlpk.errors import ConfigError, FileAccessError, FileFormatError, shown
from mlpk.file import reader
from mlpk.file.source import Source, Window

posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no such files on Windows")
needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")


class Undecided:
    """A path that turns out to be one of bytes."""

    def __fspath__(self) -> bytes:
        return b"a.mlpk"


@pytest.fixture
def path(handmade, tmp_path):
    path = tmp_path / "a.mlpk"
    path.write_bytes(handmade.file())
    return path


@pytest.mark.parametrize("given", [str, Path])
def test_a_file_and_its_bytes_read_alike(path, handmade, given):
    with Source.open(given(path)) as source:
        header = reader.read_header(source)
        arrays = reader.read_arrays(source, header)
        digest = reader.digest(source)
    for data in (bytes, bytearray, memoryview):
        memory = Source.of(data(handmade.file()))
        assert reader.read_header(memory) == header
        assert reader.digest(memory) == digest
    assert {name: array.tobytes() for name, array in arrays.items()} == {
        name: array.tobytes() for name, array in handmade.read(handmade.file()).items()
    }


def test_bytes_that_are_changed_later_do_not_change_the_source(handmade):
    data = bytearray(handmade.file())
    source = Source.of(data)
    header = reader.read_header(source)
    data[:] = bytes(len(data))
    assert reader.read_header(source) == header


@pytest.mark.parametrize("data", ["a.mlpk", None, 7, [1, 2]])
def test_only_bytes_are_bytes(data):
    with pytest.raises(ConfigError, match="wanted the bytes of a"):
        Source.of(data)


@pytest.mark.parametrize("given", [None, 3, b"a.mlpk", io.BytesIO(), Undecided()])
def test_what_is_no_path_is_refused_everywhere(model, given):
    for way in (mlpk.load, mlpk.inspect, mlpk.load_arrays, model.save, model.load_params):
        with pytest.raises(ConfigError) as caught:
            way(given)
        assert caught.value.where == "path"
        problem = f"wanted a path as text or a pathlib.Path, found {shown(given)}"
        assert caught.value.problem.startswith(problem)
        assert ("loads takes the bytes" in caught.value.problem) == isinstance(given, bytes)


def refuse(path, problem, number):
    with pytest.raises(FileAccessError, match=problem) as caught:
        Source.open(path)
    assert str(path) in str(caught.value)
    assert (caught.value.path, caught.value.errno) == (str(path), number)
    assert isinstance(caught.value, OSError)


def test_a_missing_file(tmp_path):
    refuse(tmp_path / "no.mlpk", "cannot be opened: No such file", errno.ENOENT)


def test_a_folder(tmp_path):
    refuse(tmp_path, "found a folder", errno.EISDIR)


@posix
def test_a_fifo_is_refused_without_waiting_for_its_writer(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    refuse(tmp_path / "fifo", "found a FIFO", errno.EINVAL)


@posix
@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
def test_a_device(device):
    refuse(device, "found a device", errno.EINVAL)


@posix
def test_a_socket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        refuse("s", "cannot be opened", errno.ENXIO)


@posix
def test_a_circle_of_links(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    refuse(tmp_path / "a", "cannot be opened", errno.ELOOP)


def test_a_name_that_no_file_can_have():
    for name, told in (("a\0b", r"'a\x00b'"), ("a\ud800b", r"'a\ud800b'")):
        with pytest.raises(FileAccessError) as caught:
            Source.open(name)
        assert str(caught.value).startswith(f"{told}: cannot be opened: ")
        assert caught.value.path == name


def test_a_file_that_may_not_be_read(sealed):
    refuse(sealed / "a.mlpk", "cannot be opened: Permission denied", errno.EACCES)


@posix
def test_a_link_leads_to_its_file(path, handmade):
    (path.parent / "link").symlink_to(path)
    with Source.open(path.parent / "link") as source:
        assert source.size == len(handmade.file())


def test_a_damaged_file_is_named(path):
    path.write_bytes(path.read_bytes()[:100])
    with Source.open(path) as source, pytest.raises(FileFormatError) as caught:
        reader.read_header(source)
    assert caught.value.path == str(path)
    assert str(caught.value).startswith(f"{path}: the file is truncated")


def test_an_empty_file(tmp_path):
    (tmp_path / "empty").touch()
    with Source.open(tmp_path / "empty") as source:
        for wrong in (source, Source.of(b"")):
            with pytest.raises(FileFormatError, match="ends after 0 bytes"):
                reader.read_header(wrong)


def test_a_file_that_is_shortened_while_it_is_read(path):
    with Source.open(path) as source:
        header = reader.read_header(source)
        os.truncate(path, source.size - 60)
        with pytest.raises(FileFormatError, match="ended while it was read"):
            reader.read_arrays(source, header)


def test_a_file_that_is_replaced_while_it_is_read_stays_the_one_that_was_opened(path):
    with Source.open(path) as source:
        header = reader.read_header(source)
        (path.parent / "other").write_bytes(b"other")
        (path.parent / "other").replace(path)
        assert list(reader.read_arrays(source, header)) == ["dense/bias", "dense/used"]


@posix
def test_a_failing_disk(path, monkeypatch):
    def fail(_, __, ___):
        raise OSError(errno.EIO, "Input/output error")

    with Source.open(path) as source:
        header = reader.read_header(source)
        monkeypatch.setattr(os, "preadv", fail)
        with pytest.raises(FileAccessError, match="cannot be read: Input/output") as caught:
            reader.read_arrays(source, header)
        monkeypatch.undo()
    assert caught.value.errno == errno.EIO
    assert caught.value.__cause__.errno == errno.EIO


@posix
def test_short_reads_are_continued(path, monkeypatch):
    whole = os.preadv
    monkeypatch.setattr(os, "preadv", lambda fd, memories, at: whole(fd, [memories[0][:7]], at))
    with Source.open(path) as source:
        assert reader.read_arrays(source, reader.read_header(source))["dense/bias"][1] == -2


@needs_proc
def test_no_descriptor_is_left_open(path, tmp_path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    with Source.open(path) as source:
        pass
    source.close()  # again, which does no harm
    with pytest.raises(FileAccessError):
        Source.open(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_several_threads_read_one_source(tmp_path):
    data = bytes(i * 7 % 251 for i in range(100_000))
    (tmp_path / "data").write_bytes(data)
    with Source.open(tmp_path / "data") as source, ThreadPoolExecutor(8) as pool:
        offsets = range(0, 99_000, 91)
        assert list(pool.map(lambda at: bytes(source.read(1000, at)), offsets)) == [
            data[at : at + 1000] for at in offsets
        ]


@pytest.mark.parametrize("offset", [-1, 100])
def test_bytes_in_memory_end_where_they_end(offset):
    with pytest.raises(FileFormatError, match="ended"):
        Source.of(bytes(100)).read(1, offset)


def test_a_window_gives_what_the_source_has():
    data = bytes(i % 253 for i in range(70_000))
    window = Window(Source.of(data))
    for offset, length in [(0, 5), (3, 100), (16_380, 10), (5, 40_000), (69_999, 1), (0, 0)]:
        assert window.read(length, offset) == data[offset : offset + length]
