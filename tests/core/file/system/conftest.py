"""Processes of their own for tests: killed, traced, starved of disk, watched while they read."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

FORKS = Path(__file__).with_name("forks.py")
# A job that has said nothing for this long hangs.
PATIENCE = 120


class Job:
    """Code that runs in a process of its own."""

    def __init__(self, forks: Forks, code: str, values: dict[str, Any]) -> None:
        self._forks = forks
        forks.tell({"code": dedent(code), "values": values})
        self.pid: int = forks.told(self)["pid"]

    def wait_until_ready(self) -> None:
        said = self._forks.told(self)
        assert said == {"ready": True}, said.get("error", said)

    def go(self) -> None:
        self._forks.tell({})

    def kill(self) -> int:
        """Kill it; return its exit status, -9 unless it had ended before."""
        os.kill(self.pid, signal.SIGKILL)
        return self._status()[0]

    def result(self) -> Any:
        status, said = self._status()
        assert status == 0, f"the job ended with {status}"
        assert "result" in said, said["error"]
        return said["result"]

    def _status(self) -> tuple[int, dict[str, Any]]:
        last: dict[str, Any] = {}
        while "ended" not in (said := self._forks.told(self)):
            last = said
        self.go()
        return self._forks.told(self)["status"], last


class Forks:
    """The process that forks a child for each job; `prefix` is a command to run it under."""

    def __init__(self, *prefix: str) -> None:
        self._process = subprocess.Popen(
            [*prefix, sys.executable, str(FORKS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._lines = b""

    def started(self) -> bool:
        """Wait until it is there; tell whether it is."""
        return "started" in self.told()

    def start(self, code: str, **values: Any) -> Job:
        """Begin a job, whose code sees `values` by name."""
        return Job(self, code, values)

    def run(self, code: str, **values: Any) -> Any:
        """Return the `result` that the code leaves."""
        return self.start(code, **values).result()

    def tell(self, what: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        self._process.stdin.flush()

    def told(self, job: Job | None = None) -> dict[str, Any]:
        assert self._process.stdout is not None
        while b"\n" not in self._lines:
            if not select.select([self._process.stdout], [], [], PATIENCE)[0]:
                if job is not None:
                    os.kill(job.pid, signal.SIGKILL)
                pytest.fail(f"nothing happened for {PATIENCE} seconds")
            piece = os.read(self._process.stdout.fileno(), 65_536)
            if not piece:
                return {}
            self._lines += piece
        line, _, self._lines = self._lines.partition(b"\n")
        return json.loads(line)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(PATIENCE)


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Yield what runs code in processes of its own."""
    if not hasattr(os, "waitid"):
        pytest.skip("needs fork and waitid")
    forks = Forks()
    assert forks.started()
    yield forks
    forks.close()


@pytest.fixture(scope="session")
def under() -> Iterator[Callable[..., Forks]]:
    """Return what does so under another command, or skips where that is not permitted."""
    opened: dict[tuple[str, ...], Forks] = {}

    def start(*prefix: str) -> Forks:
        if shutil.which(prefix[0]) is None:
            pytest.skip(f"needs {prefix[0]}")
        if prefix not in opened:
            forks = Forks(*prefix)
            if not forks.started():
                forks.close()
                pytest.skip(f"{' '.join(prefix)} is not permitted here")
            opened[prefix] = forks
        return opened[prefix]

    yield start
    for forks in opened.values():
        forks.close()


class Strace:
    """What watches the system calls of a job, and lets some fail."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def run(self, job: Job, *options: str) -> tuple[Any, list[str]]:
        """Return the result of a job that waits, and its calls, one a line, from then on."""
        job.wait_until_ready()
        strace = subprocess.Popen(
            ["strace", "-f", "-p", str(job.pid), "-y", "-s", "16", "-o", str(self._log), *options],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert strace.stderr is not None
        said = strace.stderr.readline()
        job.go()
        result = job.result()
        said += strace.communicate(timeout=PATIENCE)[1]
        if "attached" not in said:
            pytest.skip(f"strace is not permitted here: {said}")
        return result, [line.split(maxsplit=1)[1] for line in self._log.read_text().splitlines()]


@pytest.fixture
def strace(tmp_path_factory: pytest.TempPathFactory) -> Strace:
    """Return what watches system calls, or skip where there is no strace."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    return Strace(tmp_path_factory.mktemp("strace") / "calls")


@pytest.fixture(scope="session")
def digest_of() -> Callable[[Path], str]:
    """Return what names a file by all of its bytes."""
    return lambda path: sha256(path.read_bytes()).hexdigest()
