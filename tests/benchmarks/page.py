"""The page on performance, written from the suite's results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from standing import OURS, duration, standings

__all__ = ["page"]

HEAD = """# Performance

Written by `python tests/benchmarks/run.py --page docs/performance.md`, from one run on one machine.
Each contestant runs in a process of its own, all of them take turns, window by window, on the same
data in float32; a step draws its batch at random and reads its loss. Numbers are medians of
{repetitions} windows of {window:g} s, each after a pause of {pause:g} s, in which threads of the
contestant before fall asleep. The *limit* is what the machine allows: the step's multiply-adds at
the rate of a large matrix product, plus the bytes that it must move, read or written once each, at
the rate of a copy of as many bytes. Who convolves with fewer multiply-adds than convolution is written
with, as mlpk-numba does, can stay below it. The *ratio* is mlpk's time over that of the best of the
others; below 1 mlpk is faster.
"""


def page(results: dict[str, Any]) -> str:
    """Return the page."""
    head = HEAD.format(**results["pace"])
    sections = (_machine, _workloads, _tables, _losses, _beside)
    return "\n".join([head, *(line for section in sections for line in section(results))]) + "\n"


def _machine(results: dict[str, Any]) -> Iterator[str]:
    machine = results["machine"]
    yield "## The machine"
    yield ""
    yield f"- {machine['processor']}, {machine['cores']} cores, {machine['system']}, {results['date']}"
    if machine["load"] is not None:
        before, after = machine["load"][0], machine["load_after"][0]
        yield f"- Load of the last minute: {before:.1f} before the run, {after:.1f} after it"
    yield "- " + ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    for threads, rates in results["rates"].items():
        yield (
            f"- On {_threads(int(threads))} NumPy ({rates['kernels']}) makes "
            f"{rates['multiply_adds'] / 1e9:.0f} billion multiply-adds a second, and copies "
            f"{min(rates['bytes'].values()) / 1e9:.0f} to {max(rates['bytes'].values()) / 1e9:.0f} "
            "GB/s, from memory to cache"
        )
    for name, value in results["unset"].items():
        yield f"- `{name}={value}` was unset for everyone"
    for name, modules in results["missing"].items():
        yield f"- Not installed, and so left out: {name} ({', '.join(modules)})"
    yield from (f"- {sentence}" for sentence in results["remarks"])
    yield ""


def _workloads(results: dict[str, Any]) -> Iterator[str]:
    yield "## The workloads"
    yield ""
    yield from _rows(("workload", "what a step is", "multiply-adds", "bytes"))
    seen = {race["workload"]: race for race in results["races"]}
    for name, race in seen.items():
        work = f"{race['multiply_adds'] / 1e6:,.2f} million"
        yield from _row((name, race["title"], work, f"{race['bytes'] / 1e6:,.2f} MB"))
    yield ""


def _tables(results: dict[str, Any]) -> Iterator[str]:
    for threads in sorted({race["threads"] for race in results["races"]}):
        races = [race for race in results["races"] if race["threads"] == threads]
        named = list(dict.fromkeys(name for race in races for name in race["contestants"]))
        yield f"## On {_threads(threads)}"
        yield ""
        yield from _rows(("workload", "limit", *named, "ratio", "target"))
        for race in races:
            times = race["contestants"]
            cells = [duration(times[name]["median"]) if name in times else "-" for name in named]
            stands = list(standings(race))
            ratios = ["-" if each.ratio is None else f"{each.ratio:.2f}" for each in stands]
            targets = [f"{each.target:g}" for each in stands]
            row = (race["workload"], duration(race["limit"]), *cells)
            yield from _row((*row, ", ".join(ratios), ", ".join(targets)))
        yield ""


def _losses(results: dict[str, Any]) -> Iterator[str]:
    """Say plainly where the others are faster."""
    lost = [
        f"- {race['workload']} on {_threads(race['threads'])}: {stand.peer} takes "
        f"{duration(stand.of_peer or 0)}, {stand.name} {duration(stand.seconds)}, "
        f"{stand.ratio:.2f} times as long"
        for race in results["races"]
        for stand in standings(race)
        if stand.ratio is not None and stand.ratio >= 1
    ]
    raced = any(set(race["contestants"]) - set(OURS) for race in results["races"])
    yield "## Where mlpk loses"
    yield ""
    if lost:
        yield from lost
    else:
        yield "In none of these workloads." if raced else "No peer took part in this run."
    yield ""


def _beside(results: dict[str, Any]) -> Iterator[str]:
    if results["dead_units"]:
        yield "## Dead units"
        yield ""
    for dead in results["dead_units"]:
        yield (
            f"{dead['contestant']}: {dead['steps']:,} steps of W2 after half of its hidden units went "
            f"dead, a step takes {duration(dead['end'])}; it took {duration(dead['start'])} when they "
            f"did ({dead['end'] / dead['start']:.2f} times that, the target is 1.1)."
        )
        yield ""
    if results["imports"]:
        yield "## Import and size"
        yield ""
        yield from _rows(("import", "time", "size installed"))
        for name, each in results["imports"].items():
            size = "-" if each["bytes"] is None else f"{each['bytes'] / 1e6:,.1f} MB"
            yield from _row((name, duration(each["seconds"]), size))


def _rows(titles: tuple[str, ...]) -> Iterator[str]:
    yield from _row(titles)
    yield "|" + "---|" * len(titles)


def _row(cells: tuple[str, ...]) -> Iterator[str]:
    yield f"| {' | '.join(cells)} |"


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"
