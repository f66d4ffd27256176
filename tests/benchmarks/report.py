"""The results as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from standing import OURS, duration, spread, standings

__all__ = ["parts"]


def parts(results: dict[str, Any]) -> Iterator[RenderableType]:
    """Yield what is printed: the machine, a table a number of threads, what is beside them."""
    yield from _machine(results)
    for threads in sorted({race["threads"] for race in results["races"]}):
        yield _table([race for race in results["races"] if race["threads"] == threads], threads)
    for race in results["races"]:
        for name, why in race["absent"].items():
            if why.startswith("failed"):
                yield f"{race['workload']}, {race['threads']} threads, {name} {why}"
    for dead in results["dead_units"]:
        yield (
            f"L1: a step took {duration(dead['start'])}, and {duration(dead['end'])} "
            f"{dead['steps']:,} steps with dead units later: {dead['end'] / dead['start']:.2f} "
            "(at most 1.1)"
        )
    for name, each in results["imports"].items():
        size = "" if each["bytes"] is None else f", {each['bytes'] / 1e6:.1f} MB installed"
        yield f"I1: import {name}: {duration(each['seconds'])}{size}"


def _machine(results: dict[str, Any]) -> Iterator[str]:
    machine = results["machine"]
    load = machine["load"]
    busy = (
        ""
        if load is None
        else f", load {load[0]:.1f} before the run, {machine['load_after'][0]:.1f} after"
    )
    yield f"{machine['processor']}, {machine['cores']} cores, {machine['system']}{busy}"
    yield ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    for name, value in results["unset"].items():
        yield f"unset for everyone: {name}={value}"
    for threads, rates in results["rates"].items():
        least, most = min(rates["bytes"], key=int), max(rates["bytes"], key=int)
        yield (
            f"{threads} threads: {rates['multiply_adds'] / 1e9:.0f} billion multiply-adds a second "
            f"({rates['kernels']}), {rates['bytes'][least] / 1e9:.0f} GB/s in a core's cache, "
            f"{rates['bytes'][most] / 1e9:.0f} GB/s in memory"
        )
    kernels = {
        (name, each["kernels"])
        for race in results["races"]
        for name, each in race["contestants"].items()
    }
    yield "kernels: " + "; ".join(f"{name}: {chosen}" for name, chosen in sorted(kernels))
    for name, modules in results["missing"].items():
        yield f"left out: {name}, which needs {' and '.join(modules)}"
    yield from results["remarks"]


def _table(races: list[dict[str, Any]], threads: int) -> Table:
    table = Table(
        title=f"a step, {threads} thread{'s' * (threads > 1)}; half of the windows lie within ±",
        title_justify="left",
    )
    named = dict.fromkeys(name for race in races for name in race["contestants"])
    peers = [name for name in named if name not in OURS]
    for column in ("workload", "limit", *named, "best peer", "ratio", "target", ""):
        table.add_column(
            column, justify="left" if column in ("workload", "best peer", "") else "right"
        )
    for race in races:
        contestants = race["contestants"]
        cells = [
            f"{duration(contestants[name]['median'])} ±{spread(contestants[name]) / 2:.0%}"
            if name in contestants
            else "-"
            for name in named
        ]
        stands = list(standings(race))
        table.add_row(
            race["workload"],
            duration(race["limit"]),
            *cells,
            (stands[0].peer or "-") if stands and peers else "-",
            " ".join("-" if each.ratio is None else f"{each.ratio:.2f}" for each in stands),
            " ".join(f"{each.target:g}" for each in stands),
            "; ".join(each.verdict for each in stands),
        )
    return table
