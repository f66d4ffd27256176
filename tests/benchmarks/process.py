"""A worker as the suite sees it: started, asked, ended; and the environment that all of them get."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

from contestants.listing import Entry

__all__ = ["CAPS", "Process", "WorkerError", "environment"]

FOLDER = Path(__file__).parent
THREADS = (
    "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
    "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
# They hold a library back to older instructions, or to caches of another processor.
CAPS = (
    "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NPY_DISABLE_CPU_FEATURES", "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "BLIS_ARCH_TYPE",
)  # fmt: skip
LINES = 5  # of what a worker said before it ended


class WorkerError(Exception):
    """A worker that ended before it answered; the message has the end of what it said."""


def environment(threads: int) -> dict[str, str]:
    """Return this process's environment without caps, and with the number of threads."""
    kept = {name: value for name, value in os.environ.items() if name not in CAPS}
    return {**kept, **dict.fromkeys(THREADS, str(threads))}


class Process:
    """One contestant at one workload."""

    def __init__(self, entry: Entry, workload: str, threads: int) -> None:
        self.entry = entry
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - it lives as long as the worker
        self._worker = subprocess.Popen(
            [sys.executable, str(FOLDER / "worker.py"), entry.name, workload, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True,
            env={**environment(threads), **entry.environment},
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._said:
            if kind is not None:
                self._worker.kill()
            self._worker.communicate()

    def hear(self) -> dict[str, Any]:
        """Return the next answer."""
        line = self._worker.stdout.readline()  # type: ignore[union-attr] # it is a pipe
        if not line:
            self._worker.wait()
            self._said.seek(0)
            raise WorkerError(" / ".join(self._said.read().strip().splitlines()[-LINES:]))
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, **command: Any) -> dict[str, Any]:
        """Return the answer to a command."""
        try:
            self._worker.stdin.write(json.dumps(command) + "\n")  # type: ignore[union-attr] # likewise
            self._worker.stdin.flush()  # type: ignore[union-attr] # likewise
        except BrokenPipeError:
            pass  # what it said on its way out is told by `hear`
        return self.hear()
