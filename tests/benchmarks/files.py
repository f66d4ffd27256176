"""How fast models are saved and loaded, beside safetensors, .npz and torch.save.

Run it with `python tests/benchmarks/files.py [--megabytes 500] [--rounds 5] [--json]`. Everything
is measured in turn, round after round, with the files in the system's cache, and medians are
compared. Peers that are not installed are left out, and so are the targets set against them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import mlpk
from mlpk.file import writer
from mlpk_schemas import ModelSpec

LAYERS = 16
SMALL = 10_000
BLOCK = 16 * 2**20
TURN = 50  # milliseconds
EMPTY: dict[str, Any] = {
    "critical": (),
    "ext": {},
    "generator": "mlpk",
    "meta": {},
    "plugins": (),
    "spec": ModelSpec(dtype="float32", inputs=(), nodes=(), outputs=()),
    "state": None,
}
# Loads a file in a process of its own and prints how far the peak of its memory rose, in MB.
PEAK = """
import sys
import mlpk

def peak():
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(lines["VmHWM"].split()[0]) * 1024 / 1e6

mlpk.load(sys.argv[2])
before = peak()
model = mlpk.load(sys.argv[1])
print(peak() - before)
"""


class Target(NamedTuple):
    """A number that was measured, in the unit of its limit, and whether that holds."""

    name: str
    found: float
    limit: float
    unit: str

    @property
    def met(self) -> bool:
        return self.found <= self.limit


def peer(name: str) -> Any:
    """Return a module, or None if it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        return None


class Bench:
    """The model, its files in `folder`, and what is done with them."""

    def __init__(self, folder: Path, megabytes: float) -> None:
        self.folder = folder
        self.torch = peer("torch")
        self.safetensors = peer("safetensors.numpy")
        units = round((megabytes * 1e6 / LAYERS / 4) ** 0.5)
        self.model = wide(units, LAYERS)
        self.arrays = dict(self.model.params)
        self.size = sum(array.nbytes for array in self.arrays.values()) / 1e6
        wide(4, SMALL // 2).save(self.path("deep.mlpk"))
        small = {f"node/a{i}": np.zeros((4, 4), np.float32) for i in range(SMALL)}
        writer.write(self.path("small.mlpk"), EMPTY, small)
        wide(4, 1).save(self.path("one.mlpk"))
        self.model.save(self.path("a.mlpk"))
        np.savez(self.path("a.npz"), **self.arrays)
        if self.safetensors:
            self.safetensors.save_file(self.arrays, self.path("a.safetensors"))
        if self.torch:
            self.torch.save(self.tensors(), self.path("a.pt"))

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def tensors(self) -> dict[str, Any]:
        return {name: self.torch.from_numpy(array) for name, array in self.arrays.items()}

    def actions(self) -> dict[str, Callable[[], object]]:
        """Return what is measured, by name."""
        mine = self.path("a.mlpk")
        actions: dict[str, Callable[[], object]] = {
            "load, verified": lambda: mlpk.load(mine),
            "load, header verified": lambda: mlpk.load(mine, verify="header"),
            "load, mapped": lambda: mlpk.load(mine, verify="header", mmap=True),
            "load .npz": self.load_npz,
            "load 10,000 small tensors": lambda: mlpk.load_arrays(self.path("small.mlpk")),
            "load 5,000 small layers": lambda: mlpk.load(self.path("deep.mlpk")),
            "hash": self.hash,
            "save": lambda: self.model.save(self.path("b.mlpk")),
            "save without fsync": lambda: self.model.save(self.path("b.mlpk"), durable=False),
            "save .npz": lambda: np.savez(self.path("b.npz"), **self.arrays),
            "dumps": lambda: mlpk.dumps(self.model),
        }
        if self.safetensors:
            actions["load safetensors"] = self.load_safetensors
            actions["save safetensors, then fsync"] = self.save_safetensors
        if self.torch:
            actions["torch.load"] = lambda: self.torch.load(self.path("a.pt"))
            actions["torch.save"] = lambda: self.torch.save(self.tensors(), self.path("b.pt"))
        return actions

    def load_npz(self) -> dict[str, Any]:
        with np.load(self.path("a.npz")) as file:
            return dict(file)

    def load_safetensors(self) -> dict[str, Any]:
        return self.safetensors.load_file(self.path("a.safetensors"))

    def save_safetensors(self) -> None:
        self.safetensors.save_file(self.arrays, self.path("b.safetensors"))
        descriptor = os.open(self.path("b.safetensors"), os.O_RDWR)
        os.fsync(descriptor)
        os.close(descriptor)

    def hash(self) -> list[bytes]:
        """Hash every byte once, in as many threads as there are processors."""
        flat = (array.reshape(-1).view(np.uint8) for array in self.arrays.values())
        blocks = [a[start : start + BLOCK] for a in flat for start in range(0, len(a), BLOCK)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(lambda block: sha256(block).digest(), blocks))

    def peak(self) -> float | None:
        """Return how far the peak of memory rises in loading, None where that is not told."""
        if not Path("/proc/self/status").exists():
            return None
        command = [sys.executable, "-c", PEAK, self.path("a.mlpk"), self.path("one.mlpk")]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return float(done.stdout)


def wide(units: int, layers: int) -> mlpk.Model:
    """Return a network of so many dense layers, as wide as each other."""
    return mlpk.Model(
        [mlpk.layers.dense(units=units) for _ in range(layers)], input_shape=(units,), seed=0
    )


def medians(actions: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median of the milliseconds that each action takes.

    Its turn begins unmeasured, since the others leave the caches to it cold, and with nothing left
    to write that they wrote. What takes little is done again within its turn.
    """
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            action()
            if hasattr(os, "sync"):  # not on Windows
                os.sync()
            turn: list[float] = []
            while sum(turn) < TURN:
                started = time.perf_counter()
                result = action()
                turn.append(1000 * (time.perf_counter() - started))
                del result  # what freeing it takes is not asked here
            taken[name].append(statistics.median(turn))
    return {name: statistics.median(times) for name, times in taken.items()}


def targets(times: dict[str, float], size: float, peak: float | None) -> Iterator[Target]:
    """Yield what can be said about each target with what was measured."""
    if "load safetensors" in times:
        ratio = times["load, header verified"] / times["load safetensors"]
        yield Target("load, header verified / safetensors", ratio, 1.2, "times")
    ratio = times["load, verified"] / times["load .npz"]
    yield Target("load, verified / .npz", ratio, 0.2, "times")
    yield Target("load, mapped", times["load, mapped"], 2, "ms")
    yield Target("load 10,000 small tensors", times["load 10,000 small tensors"], 100, "ms")
    if "save safetensors, then fsync" in times:
        ratio = (times["save"] - times["hash"]) / times["save safetensors, then fsync"]
        yield Target("(save - hash) / (safetensors, fsync)", ratio, 1.5, "times")
    if peak is not None:
        yield Target("memory of a load beyond the model", peak - size, 64, "MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folder", help="where the files are made; the system's temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        bench = Bench(Path(folder), given.megabytes)
        peak = bench.peak()
        times = medians(bench.actions(), given.rounds)
    reached = list(targets(times, bench.size, peak))
    missing = [
        name
        for name, module in (("safetensors", bench.safetensors), ("torch", bench.torch))
        if module is None
    ]
    if given.json:
        result = {
            "megabytes": bench.size,
            "rounds": given.rounds,
            "processors": os.cpu_count(),
            "python": platform.python_version(),
            "not installed": missing,
            "medians_ms": times,
            "targets": [{**target._asdict(), "met": target.met} for target in reached],
        }
        print(json.dumps(result, indent=2))  # noqa: T201 - its result
        return
    for line in lines(bench.size, given.rounds, times, reached, missing):
        print(line)  # noqa: T201 - its result


def lines(
    size: float, rounds: int, times: dict[str, float], reached: list[Target], missing: list[str]
) -> Iterator[str]:
    """Yield the lines of a table that a person reads."""
    yield f"{size:.0f} MB, {os.cpu_count()} processors, medians of {rounds}"
    yield from (f"  not installed: {name}" for name in missing)
    for name, milliseconds in times.items():
        rate = "" if "small" in name else f"{size / milliseconds:8.2f} GB/s"
        yield f"  {name:38} {milliseconds:9.1f} ms {rate}"
    yield ""
    for target in reached:
        verdict = "met" if target.met else "missed"
        yield (
            f"  {target.name:38} {target.found:9.2f} {target.unit:5} "
            f"(at most {target.limit:g}: {verdict})"
        )


if __name__ == "__main__":
    main()
