"""Replacing a file: all of it or nothing, with the mode that it had."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mlpk.file.replacement import replacement


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
def test_no_descriptor_is_left_open(save, data, tmp_path, refuse, file_size_limit):
    before = len(list(Path("/proc/self/fd").iterdir()))
    save(tmp_path / "a.mlpk")
    with file_size_limit(len(data) - 1):
        refuse(save, tmp_path / "a.mlpk", "too large")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
