"""The machine: what it is, how fast it multiplies matrices and moves bytes, and what that allows.

`python machine.py THREADS SECONDS` prints both rates as JSON, each measured for so many seconds.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from kernels import blas_kernels
from process import environment
from workload import Workload

__all__ = ["Rates", "described"]

SIDE = 1024  # of the matrices, whose product is bound by arithmetic alone
SIZES = tuple(4**n for n in range(9, 15))  # bytes, from what a core's cache holds to memory


class Rates(NamedTuple):
    """Multiply-adds a second, and bytes a second by how many bytes are gone over again and again."""

    multiply_adds: float
    bytes: dict[int, float]
    kernels: str

    @classmethod
    def measured(cls, threads: int, seconds: float) -> Self:
        """Return the rates on so many threads; each is measured for so long, in another process."""
        command = [sys.executable, __file__, str(threads), str(seconds)]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment(threads)
        )
        found = json.loads(done.stdout)
        by_size = {int(size): rate for size, rate in found["bytes"].items()}
        return cls(found["multiply_adds"], by_size, found["kernels"])

    def or_better(self, other: Self) -> Self:
        """Return the higher rates of two measurings: what else ran on the machine only lowers them."""
        moved = {size: max(rate, other.bytes[size]) for size, rate in self.bytes.items()}
        return self._replace(
            multiply_adds=max(self.multiply_adds, other.multiply_adds), bytes=moved
        )

    def limit(self, workload: Workload) -> float:
        """Return the seconds below which no program gets a step: arithmetic, then bytes."""
        moved = workload.bytes
        fitting = [size for size in self.bytes if size >= moved]
        rate = self.bytes[min(fitting) if fitting else max(self.bytes)]
        return workload.multiply_adds / self.multiply_adds + moved / rate


def described() -> dict[str, Any]:
    """Return what the machine is, and how busy."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "load": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


def _fastest(work: Callable[[], object], during: float) -> float:
    """Return the least seconds of many runs: what the machine can do, not what others leave it."""
    work()
    least, ends = float("inf"), time.perf_counter() + during
    while least == float("inf") or time.perf_counter() < ends:
        started = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - started)
    return least


def _multiply_adds(during: float) -> float:
    a, b, c = (np.ones((SIDE, SIDE), np.float32) for _ in range(3))
    return SIDE**3 / _fastest(lambda: np.matmul(a, b, out=c), during)


def _bytes(size: int, threads: int, pool: ThreadPoolExecutor, during: float) -> float:
    """Return how many bytes a second are read or written in copying one half to the other."""
    halves = np.ones((2, size // 8), np.float32)
    parts = list(zip(*(np.array_split(half, threads) for half in halves), strict=True))

    def copy() -> None:
        if threads == 1:
            np.copyto(halves[1], halves[0])
        else:
            list(pool.map(lambda part: np.copyto(part[1], part[0]), parts))

    return size / _fastest(copy, during)


def main(threads: int, during: float) -> None:
    with ThreadPoolExecutor(threads) as pool:
        # Waking threads may cost more than they bring: the limit is the better of the two.
        moved = {
            size: max(_bytes(size, count, pool, during) for count in {1, threads}) for size in SIZES
        }
    found = {"multiply_adds": _multiply_adds(during), "bytes": moved, "kernels": blas_kernels()}
    print(json.dumps(found))  # noqa: T201 - its result


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
