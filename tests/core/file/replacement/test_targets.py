"""Where a file may be written: links, names of all kinds, and what is no place for one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mlpk.errors import ConfigError
from mlpk.file import writer
from mlpk.file.replacement import check_target, replacement


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


def test_a_circle_of_links(save, tmp_path, refuse):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    refuse(save, tmp_path / "a", "links that lead in a circle", errno.ELOOP)
    refuse(save, tmp_path / "a" / "x", "cannot be written", errno.ELOOP)


def test_a_folder_a_fifo_and_a_device_are_no_targets(save, tmp_path, refuse):
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


def test_a_place_where_no_file_can_be(save, tmp_path, refuse):
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
def test_a_folder_that_takes_no_files(save, refuse):
    refuse(save, "/proc/self/a.mlpk", "cannot be written")


def test_a_folder_that_may_not_be_written_to(save, sealed, refuse):
    refuse(save, sealed / "b.mlpk", "cannot be written: Permission denied", errno.EACCES)


def test_a_name_of_255_bytes(save, data, tmp_path):
    path = tmp_path / ("a" * 250 + ".mlpk")
    save(path)
    assert path.read_bytes() == data


def test_a_name_that_is_no_text(save, data, tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.mlpk"
    save(os.fsdecode(path))
    assert Path(os.fsdecode(path)).read_bytes() == data


def test_a_relative_path_is_settled_when_the_save_begins(tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    with replacement("a.mlpk", durable=False) as file:
        monkeypatch.chdir(tmp_path / "other")
        file.write(b"new")
    assert (tmp_path / "a.mlpk").read_bytes() == b"new"
