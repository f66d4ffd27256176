"""Where a save goes: what stands there keeps its mode, and what is no place for a file is refused."""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import mlpk
from mlpk.errors import DataError, FileAccessError
from mlpk.file import reader, writer
from mlpk.file.replacement import check_target
from mlpk.file.source import Source

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="speaks of POSIX files")

# Whatever the place is, an answer comes; the job is given up if it doesn't.
SAVE = """
    model = mlpk.Model([mlpk.layers.dense(3, init="zeros")], input_shape=(3,), seed=0)
    result = []
    for function in (lambda: model.save(path), lambda: mlpk.load(path)):
        try:
            function()
        except mlpk.FileAccessError as error:
            result.append(str(error))
"""


def names(folder):
    return [path.name for path in folder.iterdir()]


@pytest.fixture(scope="module")
def model():
    return mlpk.Model([mlpk.layers.dense(3)], input_shape=(3,), seed=0)


class Place:
    """Something that stands for a path."""

    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return self.path


@pytest.mark.parametrize("form", [str, Path, Place])
@pytest.mark.parametrize("relative", [False, True])
def test_a_path_in_any_form(model, tmp_path, monkeypatch, form, relative):
    monkeypatch.chdir(tmp_path)
    path = "a.mlpk" if relative else str(tmp_path / "a.mlpk")
    digest = model.save(form(path))
    assert mlpk.load(tmp_path / "a.mlpk", expect=digest).spec == model.spec
    assert mlpk.load(form(path), expect=digest).spec == model.spec


@pytest.mark.parametrize("path", ["./a.mlpk", "../here/a.mlpk", "sub/../a.mlpk", "link/../a.mlpk"])
def test_a_path_that_goes_back_and_forth(model, tmp_path, monkeypatch, path):
    (tmp_path / "here" / "sub").mkdir(parents=True)
    (tmp_path / "there" / "sub").mkdir(parents=True)
    (tmp_path / "here" / "link").symlink_to(tmp_path / "there" / "sub")
    monkeypatch.chdir(tmp_path / "here")
    model.save(path)
    wanted = tmp_path / ("there" if "link" in path else "here") / "a.mlpk"
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [wanted]
    assert wanted.samefile(path)


def test_a_current_folder_that_is_gone(model, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for refused in (model.save, check_target):
        with pytest.raises(
            FileAccessError, match="current one, is gone; give a full path"
        ) as caught:
            refused("a.mlpk")
        assert (caught.value.path, caught.value.errno) == ("a.mlpk", errno.ENOENT)
    model.save(tmp_path / "a.mlpk")
    assert mlpk.load(tmp_path / "a.mlpk").spec == model.spec


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "模" * 85])
def test_a_name_of_255_bytes(model, tmp_path, name):
    for _ in range(2):
        digest = model.save(tmp_path / name)
        assert mlpk.load(tmp_path / name, expect=digest).spec == model.spec
        assert names(tmp_path) == [name]


@pytest.mark.parametrize("name", ["a" * 256, "模" * 86, "/".join(["a" * 250] * 20)])
def test_a_name_that_is_too_long(model, tmp_path, name):
    for refused in (model.save, check_target):
        with pytest.raises(FileAccessError, match="name too long; choose a shorter") as caught:
            refused(tmp_path / name)
        assert caught.value.errno == errno.ENAMETOOLONG
    assert not names(tmp_path)


def test_a_folder_deeper_than_a_path_may_be(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(20):
        Path("d" * 250).mkdir()
        os.chdir("d" * 250)
    with pytest.raises(FileAccessError, match="cannot be written"):
        model.save("a.mlpk")
    assert not names(Path())


@pytest.mark.parametrize("kind", ["FIFO", "socket", "folder", "device"])
@pytest.mark.parametrize("linked", [False, True])
def test_what_is_no_regular_file_is_refused_at_once(forks, tmp_path, monkeypatch, kind, linked):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    path = tmp_path / "place"
    with socket.socket(socket.AF_UNIX) as server:
        if kind == "FIFO":
            os.mkfifo(path)
        elif kind == "socket":
            server.bind("place")
        elif kind == "folder":
            path.mkdir()
        else:
            path = Path("/dev/zero")
        given = tmp_path / "link" if linked else path
        if linked:
            given.symlink_to(path)
        before = os.lstat(path)
        saved, loaded = forks.run(SAVE, path=str(given))
    assert saved == f"{given}: wanted a regular file to write, found a {kind}"
    assert loaded.startswith(f"{given}: ")
    assert os.lstat(path).st_ino == before.st_ino
    assert not list(tmp_path.glob(".mlpk-*"))


@pytest.mark.parametrize("length", [1, 2, 5])
def test_links_in_a_circle(model, tmp_path, length):
    for number in range(length):
        (tmp_path / f"{number}").symlink_to(f"{(number + 1) % length}")
    for refused in (model.save, check_target):
        for path in (tmp_path / "0", tmp_path / "0" / "a.mlpk"):
            with pytest.raises(FileAccessError, match="links that lead in a circle") as caught:
                refused(path)
            assert (caught.value.path, caught.value.errno) == (str(path), errno.ELOOP)
    assert len(names(tmp_path)) == length


@pytest.mark.parametrize("target", ["later.mlpk", "other/later.mlpk", "second"])
def test_a_link_to_what_is_not_there(model, tmp_path, target):
    (tmp_path / "other").mkdir()
    (tmp_path / "second").symlink_to(tmp_path / "other" / "last.mlpk")
    (tmp_path / "link").symlink_to(target)
    model.save(tmp_path / "link")
    model.save(tmp_path / "link")
    assert (tmp_path / "link").readlink() == Path(target)
    assert (tmp_path / "second").is_symlink()
    wanted = "other/last.mlpk" if target == "second" else target
    found = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert found == [tmp_path / wanted]


def test_a_link_into_a_folder_that_is_not_there(model, tmp_path):
    (tmp_path / "link").symlink_to("no/a.mlpk")
    with pytest.raises(FileAccessError, match=f"there is no folder {tmp_path}/no; make it first"):
        model.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()


def test_the_other_name_of_a_file_keeps_the_old_bytes(model, tmp_path):
    (tmp_path / "a.mlpk").write_bytes(b"old")
    (tmp_path / "b.mlpk").hardlink_to(tmp_path / "a.mlpk")
    model.save(tmp_path / "a.mlpk")
    assert (tmp_path / "b.mlpk").read_bytes() == b"old"
    assert mlpk.load(tmp_path / "a.mlpk").spec == model.spec


def test_a_mode_that_is_kept_by_no_umask(model, tmp_path):
    path = tmp_path / "a.mlpk"
    path.touch()
    path.chmod(0o664)
    before = os.umask(0o077)
    try:
        model.save(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o664


def test_an_array_that_another_thread_changes(tmp_path, fields):
    path = tmp_path / "a.mlpk"
    arrays = {"a/a": np.zeros(2**22), "b/b": np.zeros(2**22)}  # 64 MB
    writer.write(path, fields, arrays)
    stop = threading.Event()

    def train():
        while not stop.is_set():
            arrays["a/a"] += 1

    def save_until_it_fails():
        nonlocal before
        for _ in range(30):  # a busy machine may let a whole save through between two changes
            before = path.stat()
            writer.write(path, fields, arrays, durable=False)

    before = None
    thread = threading.Thread(target=train)
    thread.start()
    try:
        with pytest.raises(DataError, match="'a/a' changed while it was being saved; save when"):
            save_until_it_fails()
    finally:
        stop.set()
        thread.join()
    assert path.stat().st_ino == before.st_ino
    assert names(tmp_path) == ["a.mlpk"]
    with Source.open(path) as source:
        reader.read_arrays(source, reader.read_header(source))
