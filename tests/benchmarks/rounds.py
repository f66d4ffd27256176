"""Contestants in turn: warm-up, windows one after the other in each round, medians."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median
from time import sleep
from typing import Any, NamedTuple

from contestants.listing import Entry
from process import Process, WorkerError
from workload import Workload

__all__ = ["Pace", "compared", "dead_units"]

# Seconds. Threads of a library look for more work after its last product, those of OpenBLAS for some
# 0.03, and keep a core busy that is the next contestant's.
PAUSE = 0.1
DEAD_AFTER = 100  # steps, so that what the optimizer keeps of the units is not 0
DEAD_WINDOW = 30  # steps


class Pace(NamedTuple):
    """How many rounds, and how many seconds a window, the warm-up, and the pause before a window."""

    repetitions: int
    window: float
    warm_up: float
    pause: float = PAUSE


def compared(
    workload: Workload, entries: Sequence[Entry], threads: int, pace: Pace
) -> dict[str, Any]:
    """Return what each contestant takes for a step, and why others don't take part."""
    found: dict[str, Any] = {}
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        racing: dict[Process, int] = {}
        for entry in entries:
            process = stack.enter_context(Process(entry, workload.name, threads))
            try:
                ready = process.hear()
                if "lacks" in ready:
                    absent[entry.name] = ready["lacks"]
                    continue
                if ready["parameters"] != workload.net.parameters:
                    problem = f"its network has {ready['parameters']} weights, "
                    absent[entry.name] = f"{problem}not {workload.net.parameters}"
                    continue
                racing[process] = _warmed(process, pace)
            except WorkerError as failed:
                absent[entry.name] = f"failed: {failed}"
                continue
            found[entry.name] = {"kernels": ready["kernels"], "windows": []}
        for _ in range(pace.repetitions):
            for process, steps in list(racing.items()):
                name = process.entry.name
                sleep(pace.pause)
                try:
                    answer = process.ask(steps=steps)
                except WorkerError as failed:
                    del racing[process], found[name]
                    absent[name] = f"failed: {failed}"
                    continue
                found[name]["windows"].append(answer.pop("seconds"))
                found[name] |= answer
    for each in found.values():
        each["median"] = median(each["windows"])
    return {"contestants": found, "absent": absent}


def dead_units(
    workload: Workload, entry: Entry, threads: int, pace: Pace, steps: int
) -> dict[str, float]:
    """Return seconds a step with half of the hidden units dead, at the start and `steps` later.

    Two workers take turns, one that has the steps behind it and one that has not: what else the
    machine does then meets both. Their windows are short, so that the second stays at the start.
    """
    with (
        Process(entry, workload.name, threads) as late,
        Process(entry, workload.name, threads) as new,
    ):
        for process in (late, new):
            process.hear()
            process.ask(steps=DEAD_AFTER)
            process.ask(kill=True)
        late.ask(steps=steps)
        pairs = [
            [process.ask(steps=DEAD_WINDOW)["seconds"] for process in (new, late)]
            for _ in range(pace.repetitions)
        ]
    start, end = (median(each) for each in zip(*pairs, strict=True))
    return {"steps": steps, "start": start, "end": end}


def _warmed(process: Process, pace: Pace) -> int:
    """Run steps for as long as the warm-up lasts, and return how many fill a window."""
    steps, spent, seconds = 1, 0.0, 0.0
    while spent < pace.warm_up or not spent:
        answer = process.ask(steps=steps)
        seconds = answer["seconds"]
        spent += seconds * answer["steps"]
        steps = 2 * answer["steps"]
    return max(1, round(pace.window / seconds))
