"""mlpk beside other libraries: the whole suite.

`python tests/benchmarks/run.py` runs every workload with every peer that is installed
(`python -m pip install "mlpk[bench]"`), which takes about half an hour; `--workloads W1,W2
--peers torch,jax` runs some, `--peers none` mlpk alone. W1 to W7 train, P1 predicts, L1 is 20,000
steps with dead units, I1 importing. `--json` writes the results to a file, `--page` the page that
the documentation has; `--from` takes results from a file in place of measuring.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import imports
from contestants.listing import ENTRIES, Entry
from machine import Rates, described
from page import page
from process import CAPS
from report import parts
from rich.console import Console
from rounds import Pace, compared, dead_units
from workload import WORKLOADS, named

__all__ = ["main", "measured"]

GROUPS = ("W1", "W2", "W3", "W4", "W5", "W6", "W7", "P1", "L1", "I1")
PEERS = tuple(dict.fromkeys(entry.library for entry in ENTRIES if not entry.ours))
DISTRIBUTIONS = (
    "numpy", "mlpk", "mlpk-numba", "torch", "jax", "scikit-learn", "thinc", "onnxruntime",
)  # fmt: skip
DEAD_STEPS = 20_000
NO_COMPILER = "torch compiled takes no part: torch.compile needs a C++ compiler, and there is none."


def main(arguments: Sequence[str] | None = None) -> None:
    given = _parser().parse_args(arguments)
    if given.source is not None:
        results = json.loads(given.source.read_text(encoding="utf-8"))
    else:
        pace = Pace(given.repetitions, given.window, given.warm_up)
        results = measured(given.workloads, given.peers, given.threads, pace)
    if given.json is not None:
        given.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if given.page is not None:
        given.page.write_text(page(results), encoding="utf-8")
    console = Console(width=None if Console().is_terminal else 200)
    for part in parts(results):
        console.print(part, highlight=False, soft_wrap=isinstance(part, str))


def measured(
    groups: Sequence[str],
    peers: Sequence[str],
    threads: Sequence[int],
    pace: Pace,
    dead_steps: int = DEAD_STEPS,
) -> dict[str, Any]:
    """Return the results of a run, as `--json` writes them."""
    wanted = [entry for entry in ENTRIES if entry.ours or entry.library in peers]
    missing = {entry.name: entry.missing() for entry in wanted if entry.missing()}
    racing = [entry for entry in wanted if entry.name not in missing]
    remarks = []
    if any(entry.name == "torch compiled" for entry in racing) and not _compiler():
        remarks.append(NO_COMPILER)
        racing = [entry for entry in racing if entry.name != "torch compiled"]
    machine = described()
    before = {count: Rates.measured(count, pace.window) for count in threads}
    races = list(_races(groups, racing, threads, pace))
    rates = {
        count: each.or_better(Rates.measured(count, pace.window)) for count, each in before.items()
    }
    for race in races:
        race["limit"] = rates[race["threads"]].limit(named(race["workload"]))
    results: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "pace": pace._asdict(),
        "machine": machine,
        "versions": {"python": platform.python_version(), **dict(_versions())},
        "unset": {name: os.environ[name] for name in CAPS if name in os.environ},
        "missing": missing,
        "remarks": remarks,
        "rates": {str(count): each._asdict() for count, each in rates.items()},
        "races": races,
        "dead_units": list(_dead(groups, racing, pace, dead_steps)),
        "imports": imports.measured(list(peers), pace.repetitions) if "I1" in groups else {},
    }
    machine["load_after"] = described()["load"]
    return results


def _races(
    groups: Sequence[str], racing: Sequence[Entry], threads: Sequence[int], pace: Pace
) -> Iterator[dict[str, Any]]:
    told = Console(stderr=True)
    for workload in WORKLOADS:
        if workload.group not in groups:
            continue
        for count in threads:
            told.print(f"{workload.name}, threads: {count}", highlight=False)
            yield {
                "workload": workload.name,
                "title": workload.title,
                "threads": count,
                "multiply_adds": workload.multiply_adds,
                "bytes": workload.bytes,
                "targets": workload.targets._asdict(),
                **compared(workload, racing, count, pace),
            }


def _dead(
    groups: Sequence[str], racing: Sequence[Entry], pace: Pace, steps: int
) -> Iterator[dict[str, Any]]:
    if "L1" not in groups:
        return
    for entry in racing:
        if entry.ours:
            yield {"contestant": entry.name, **dead_units(named("W2"), entry, 1, pace, steps)}


def _compiler() -> bool:
    return any(shutil.which(name) for name in (os.environ.get("CXX", ""), "g++", "clang++", "cl"))


def _versions() -> Iterator[tuple[str, str]]:
    for name in DISTRIBUTIONS:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workloads", type=_some_of(GROUPS), default=GROUPS)
    parser.add_argument("--peers", type=_some_of(PEERS), default=PEERS)
    parser.add_argument("--repetitions", type=int, default=9, help="windows of each contestant")
    parser.add_argument("--threads", type=_counts, default=(1, 2))
    parser.add_argument("--window", type=float, default=0.3, help="seconds")
    parser.add_argument("--warm-up", type=float, default=1.0, help="seconds")
    parser.add_argument("--json", type=Path, help="file to write the results to")
    parser.add_argument("--page", type=Path, help="file to write the page to")
    parser.add_argument("--from", dest="source", type=Path, help="file with results of a run")
    return parser


def _some_of(names: Sequence[str]) -> Any:
    def chosen(text: str) -> tuple[str, ...]:
        asked = () if text == "none" else tuple(text.split(","))
        for name in asked:
            if name not in names:
                problem = f"wanted some of {', '.join(names)}, or none; found {name!r}"
                raise argparse.ArgumentTypeError(problem)
        return asked

    return chosen


def _counts(text: str) -> tuple[int, ...]:
    return tuple(int(count) for count in text.split(","))


if __name__ == "__main__":
    main()
