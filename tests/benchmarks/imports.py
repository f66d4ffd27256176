"""What importing a library adds to importing NumPy, and what it adds to the disk."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

__all__ = ["imported", "installed", "measured"]

# Modules by distribution. Ours may be installed so that it is edited in place: its modules count.
OURS = ("mlpk", "mlpk_schemas", "mlpk_plugins")
PEERS = {"torch": "torch", "jax": "jax", "scikit-learn": "sklearn", "thinc": "thinc"}


def seconds(code: str) -> float:
    """Return how long a fresh interpreter takes to run a line, with bytecode kept as for users."""
    kept = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=kept)
    return time.perf_counter() - started


def imported(libraries: dict[str, str], repetitions: int) -> dict[str, float]:
    """Return the medians of the seconds that fresh interpreters take to import each, in turn."""
    modules = {"numpy": "numpy", "mlpk": "mlpk", **libraries}
    taken: dict[str, list[float]] = {name: [] for name in modules}
    for measured in [False] + [True] * repetitions:  # the first run fills the disk cache
        for name, module in modules.items():
            spent = seconds(f"import {module}")
            if measured:
                taken[name].append(spent)
    return {name: median(times) for name, times in taken.items()}


def installed(name: str) -> int | None:
    """Return the bytes of a distribution's files, without what it depends on; None if not there."""
    if name == "mlpk":
        return sum(_size(folder) for module in OURS for folder in _folders(module))
    try:
        files = distribution(name).files or ()
    except PackageNotFoundError:
        return None
    return sum(path.stat().st_size for file in files if (path := Path(file.locate())).is_file())


def measured(names: list[str], repetitions: int) -> dict[str, Any]:
    """Return seconds and bytes of NumPy, mlpk and the named peers that are installed."""
    there = {name: PEERS[name] for name in names if name in PEERS and find_spec(PEERS[name])}
    times = imported(there, repetitions)
    return {name: {"seconds": each, "bytes": installed(name)} for name, each in times.items()}


def _folders(module: str) -> list[Path]:
    spec = find_spec(module)
    return [Path(place) for place in spec.submodule_search_locations or ()] if spec else []


def _size(folder: Path) -> int:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files if path.suffix != ".pyc")
