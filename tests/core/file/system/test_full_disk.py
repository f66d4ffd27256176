"""Disks that are full or may not be written to: real ones, made in memory for the test."""

from __future__ import annotations

import errno
import sys

import pytest

MOUNT = """
    import subprocess

    command = ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=20", "none", folder]
    result = subprocess.run(command, capture_output=True).stderr.decode()
"""
# A first save goes well, a second one finds what `prepare` left; the folder's state comes with it.
SAVES = """
    import subprocess

    path = os.path.join(folder, "a.mlpk")
    model = mlpk.Model([mlpk.layers.dense(300, init="ones")], input_shape=(300,), seed=0)
    result = {"first": model.save(path)}
    model.params["dense/bias"][...] = 7.0
    exec(prepare)
    try:
        result["second"] = model.save(path)
    except mlpk.FileAccessError as error:
        result |= {"text": str(error), "errno": error.errno, "path": error.path}
    result["files"] = sorted(os.listdir(folder))
    mlpk.load(path, expect=result.get("second", result["first"]))
"""
LEAVE = """
page = os.sysconf("SC_PAGESIZE")
needed = -(-os.stat(path).st_size // page)
left = needed - {missing} if {missing} >= 0 else 0
with open(path + ".ballast", "wb", buffering=0) as ballast:
    try:
        while True:
            ballast.write(bytes(page))
    except OSError:
        ballast.truncate(ballast.tell() - left * page)
"""
TAKE_ALL_NAMES = """
try:
    for number in range(1000):
        open(path + f".{number}", "x").close()
except OSError:
    pass
"""
MAKE_READ_ONLY = "subprocess.run(['mount', '-o', 'remount,bind,ro', folder], check=True)"
EVERYTHING = -1


@pytest.fixture
def second_save(under, tmp_path):
    """Return what tells how the second save ends on a disk of 1 MB, after a preparation."""
    if sys.platform != "linux":
        pytest.skip("needs the namespaces of Linux")
    forks = under("unshare", "-rm")
    problem = forks.run(MOUNT, folder=str(tmp_path))
    if problem:
        pytest.skip(problem)
    return lambda prepare: forks.run(SAVES, prepare=prepare, folder=str(tmp_path))


@pytest.mark.parametrize("missing", [EVERYTHING, 1, 2, 3])
def test_a_disk_that_is_full_before_the_end(second_save, tmp_path, missing):
    found = second_save(LEAVE.format(missing=missing))
    path = str(tmp_path / "a.mlpk")
    assert found["text"].startswith(f"{path}: cannot be written: No space left on device; make")
    assert (found["errno"], found["path"]) == (errno.ENOSPC, path)
    assert found["files"] == ["a.mlpk", "a.mlpk.ballast"]


def test_a_disk_with_just_enough_room(second_save):
    found = second_save(LEAVE.format(missing=0))
    assert found["second"] != found["first"]
    assert found["files"] == ["a.mlpk", "a.mlpk.ballast"]


def test_a_disk_that_has_no_room_for_a_name(second_save):
    found = second_save(TAKE_ALL_NAMES)
    assert found["errno"] == errno.ENOSPC
    assert "cannot be written: No space left on device; make room" in found["text"]
    assert all(name.startswith("a.mlpk") for name in found["files"])


def test_a_disk_that_may_not_be_written_to(second_save):
    found = second_save(MAKE_READ_ONLY)
    assert found["errno"] == errno.EROFS
    assert "cannot be written: Read-only file system; save elsewhere" in found["text"]
    assert found["files"] == ["a.mlpk"]
