"""Every system call of a save failing in turn: the old file stays, and the error says what failed.

With strace it is the system that refuses; what can be shown without it is shown on any system, with
functions of `os` that refuse.
"""

from __future__ import annotations

import errno
import io
import os
import re
import signal
import sys
from collections import Counter

import numpy as np
import pytest

import mlpk
from mlpk.errors import FileAccessError
from mlpk.file import writer

SAVE = """
    model = mlpk.Model([mlpk.layers.dense(units, init="ones")], input_shape=(units,), seed=0)
    ready()
    try:
        result = {"digest": model.save(path)}
    except mlpk.FileAccessError as error:
        result = {"text": str(error), "path": error.path, "errno": error.errno}
"""
# About 2 MB: several calls of write, and no threads, whose order would differ.
UNITS = 700
OLD = b"the old file"
ERRORS = ("ENOSPC", "EIO", "EDQUOT", "EINTR")
WATCHED = "trace=%file,%desc,getrandom"
# What has to work; EINTR there is tried again, and save succeeds.
NEEDED = {"openat", "open", "write", "writev", "pwrite64", "pwritev", "fchmod", "fsync"}
ADVICE = {"ENOSPC": "make room", "EDQUOT": "make room", "EIO": "elsewhere", "EINTR": "save again"}


@pytest.fixture
def place(tmp_path):
    """Return a link to an old file in a folder of its own, which calls are told by."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.mlpk").write_bytes(OLD)
    (tmp_path / "link").symlink_to(folder / "a.mlpk")
    return tmp_path / "link"


def check(place, failed, outcome, error):
    """Require the new file or the old one and an error about it, and no other file."""
    target = place.parent / "folder" / "a.mlpk"
    assert list(target.parent.iterdir()) == [target], failed
    assert place.is_symlink()
    call = re.match(r"[\w.]+", failed)[0]
    if "digest" in outcome:
        mlpk.load(target, expect=outcome["digest"])
        assert call not in NEEDED or error == "EINTR", failed
        return
    text = outcome["text"]
    assert text.startswith(f"{place}: "), failed
    assert outcome["path"] == str(place)
    if call != "lseek" or outcome["errno"] is not None:
        assert ADVICE[error] in text or "durable=False" in text, failed
        assert outcome["errno"] == getattr(errno, error), failed
        assert os.strerror(outcome["errno"]) in text, failed
    else:
        assert "not seekable" in text  # what Python makes of it
    assert call not in NEEDED or error != "EINTR", failed
    if "was written" in text:
        mlpk.load(target)
    else:
        assert target.read_bytes() == OLD, failed


@pytest.mark.parametrize("error", ERRORS)
def test_every_call_that_the_system_refuses(forks, strace, place, error):
    target = place.parent / "folder" / "a.mlpk"

    def save(*options):
        job = forks.start(SAVE, path=str(place), units=UNITS)
        return strace.run(job, "-e", WATCHED, *options)

    outcome, lines = save()
    check(place, "none", outcome, error)
    calls = Counter()
    failing = []
    for line in lines:
        if match := re.match(r"(\w+)\(", line):
            calls[match[1]] += 1
            if str(place.parent) in line or match[1] == "getrandom":
                failing.append((match[1], calls[match[1]], line))
    assert {"openat", "write", "fchmod", "fsync", "close"} <= {call for call, _, _ in failing}
    outcomes = Counter()
    for call, number, line in failing:
        target.write_bytes(OLD)
        outcome, lines = save("-e", f"inject={call}:error={error}:when={number}")
        assert any(error in line and "(INJECTED)" in line for line in lines)
        check(place, line, outcome, error)
        outcomes[next(iter(outcome))] += 1
    assert outcomes["text"] >= (3 if error == "EINTR" else 10)


class Stingy(io.FileIO):
    """A file that takes few bytes at a time."""

    def write(self, data):
        return super().write(memoryview(data).cast("B")[:1001])


class Functions:
    """The functions of `os` that a save calls; the one that is next in turn may fail."""

    NAMES = ("open", "write", "fchmod", "fsync", "close", "replace", "unlink")

    def __init__(self, monkeypatch):
        self.seen = []
        self.failing = None
        for name in self.NAMES:
            if hasattr(os, name):
                monkeypatch.setattr(os, name, self.called(name, getattr(os, name)))
        functions = self

        class File(io.FileIO):
            def write(self, data):
                functions.count("file.write")
                return super().write(data)

            def close(self):
                if not self.closed:
                    super().close()
                    functions.count("file.close")

        def opened(descriptor, mode, buffering):
            functions.count("fdopen")
            return io.BufferedWriter(File(descriptor, mode), buffering)

        monkeypatch.setattr(os, "fdopen", opened)

    def called(self, name, function):
        def call(*arguments, **named):
            self.count(name)
            return function(*arguments, **named)

        return call

    def count(self, name):
        self.seen.append(name)
        if self.failing is not None and len(self.seen) == self.failing[0] + 1:
            raise self.failing[1]


@pytest.mark.skipif(sys.platform == "win32", reason="speaks of POSIX files")
@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EDQUOT", MemoryError, KeyboardInterrupt])
# The second, of 9 MB, is written by threads, and brought to the disk twice.
@pytest.mark.parametrize(("units", "syncs"), [(UNITS, 2), (1500, 3)])
def test_every_function_that_refuses(place, error, units, syncs, monkeypatch):
    target = place.parent / "folder" / "a.mlpk"
    model = mlpk.Model([mlpk.layers.dense(units, init="ones")], input_shape=(units,), seed=0)
    functions = Functions(monkeypatch)
    model.save(place)
    saves = list(functions.seen)
    assert {"open", "fchmod", "fsync", "replace"} <= set(saves)
    assert saves.count("fsync") == syncs
    order = [name for name in saves if "write" in name or name in ("fsync", "replace")]
    assert order[-3:] == ["fsync", "replace", "fsync"]
    assert len(order) > 3
    for number, name in enumerate(saves):
        target.write_bytes(OLD)
        functions.seen.clear()
        if isinstance(error, str):
            refused = getattr(errno, error)
            functions.failing = number, OSError(refused, os.strerror(refused))
            with pytest.raises(FileAccessError) as caught:
                model.save(place)
            outcome = {"text": str(caught.value)}
            outcome |= {"path": caught.value.path, "errno": caught.value.errno}
            check(place, name, outcome, error)
        else:
            functions.failing = number, error()
            with pytest.raises(error):
                model.save(place)
            assert list(target.parent.iterdir()) == [target], name
            assert (target.read_bytes() == OLD) == (number <= saves.index("replace")), name
        functions.failing = None


@pytest.mark.parametrize("buffered", [False, True])
def test_short_writes_are_continued(tmp_path, monkeypatch, fields, buffered):
    arrays = {"a/a": np.arange(20_000.0), "b/b": np.arange(7)}
    real = os.fdopen

    def opened(descriptor, mode, buffering):
        assert real is not os.fdopen
        return io.BufferedWriter(Stingy(descriptor, mode), buffering if buffered else 10)

    for name in ("write", "pwrite"):
        if hasattr(os, name):
            function = getattr(os, name)
            monkeypatch.setattr(
                os, name, lambda fd, data, *at, f=function: f(fd, memoryview(data)[:1001], *at)
            )
    monkeypatch.setattr(os, "fdopen", opened)
    writer.write(tmp_path / "a.mlpk", fields, arrays)
    monkeypatch.undo()
    assert (tmp_path / "a.mlpk").read_bytes() == writer.dump(fields, arrays)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
def test_a_storm_of_signals_changes_nothing(tmp_path, fields):
    arrays = {"a/a": np.arange(4e6), "b/b": np.arange(7)}
    wanted = writer.dump(fields, arrays)
    came = []
    before = signal.signal(signal.SIGALRM, lambda number, _: came.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        writer.write(tmp_path / "a.mlpk", fields, arrays)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(came) > 5
    assert (tmp_path / "a.mlpk").read_bytes() == wanted
