"""`mlpk check`: the conformance kit on what an installed plugin brings."""

from __future__ import annotations

import json
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from mlpk import catalog
from mlpk.cli.check_error import CheckError
from mlpk.cli.text import clean
from mlpk.discovery import survey
from mlpk.errors import PluginError
from mlpk.installed import normalised
from mlpk.record import Record
from mlpk.table import table
from mlpk.testing import Case, Outcome, cases

__all__ = ["command"]

STATES = ("passed", "skipped", "known", "failed")
HEAD = ("kind", "family", "examples", "checks", *STATES)


@click.command("check")
@click.argument("dist", metavar="DIST")
@click.option(
    "--known",
    multiple=True,
    metavar="KIND-CHECK=REASON",
    help="Declare a failure that is known, with its reason; as often as need be.",
)
@click.option("--verbose", "-v", is_flag=True, help="Name every check, and show tracebacks.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcomes as JSON.")
def command(dist: str, known: tuple[str, ...], verbose: bool, as_json: bool) -> None:
    """Check what a plugin brings: every example of every kind, by the conformance kit.

    The exit status is 0 if nothing failed. A check that does not apply is skipped, and a failure
    that was declared with --known is none, unless it passes.
    """
    record, made = _cases(dist, dict(map(_reason, known)))
    outcomes = list(_watched(made))
    if as_json:
        click.echo(json.dumps(_plain(record, outcomes), indent=2))
    else:
        click.echo("\n\n".join(_report(record, outcomes, verbose=verbose)))
    failed = sum(outcome.state == "failed" for outcome in outcomes)
    if failed:
        raise CheckError(f"{failed} of {len(outcomes)} checks of {record.named} failed")


def _reason(given: str) -> tuple[str, str]:
    name, _, reason = given.partition("=")
    return name.strip(), reason.strip()


def _cases(dist: str, known: dict[str, str]) -> tuple[Record, list[Case]]:
    """Return the plugin's record and its cases; one that is broken, or shows nothing, has failed."""
    dist = normalised(dist)
    # What else is broken is not asked about: nothing warns of it and nothing raises.
    records = [each for each in catalog.current(survey).records if each.dist == dist]
    for record in records:
        if record.broken:
            told = PluginError(record.error or record.reason, dist)  # what --traceback shows
            raise CheckError(f"the plugin {record.named} {record.fate}: {record.reason}") from told
    try:
        made = cases(dist, known)
    except PluginError as error:
        if any(record.state == "active" for record in records):
            raise CheckError(str(error)) from error
        raise
    return records[0], made


def _watched(made: Sequence[Case]) -> Iterator[Outcome]:
    """Run the cases; a terminal is shown how far they are."""
    if not sys.stderr.isatty():
        yield from (case.outcome() for case in made)
        return
    from rich.console import Console  # noqa: PLC0415 - a terminal alone needs it
    from rich.progress import track  # noqa: PLC0415 - likewise

    console = Console(stderr=True)
    for case in track(made, "checking", console=console, transient=True):
        yield case.outcome()


def _report(record: Record, outcomes: Sequence[Outcome], *, verbose: bool) -> Iterator[str]:
    yield f"{record.named}\n{_table(outcomes)}"
    if record.note:
        yield "note\n  " + clean(record.note)
    if verbose:
        lines = (f"{each.state:8}{each.seconds:8.2f} s  {each.case}" for each in outcomes)
        yield "every check\n" + "\n".join(lines)
    if skipped := _by_reason(outcomes, "skipped"):
        yield "skipped\n" + skipped
    if known := _by_reason(outcomes, "known"):
        yield "known to fail\n" + known
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    if failed:
        yield "failed\n" + "\n\n".join(_failure(outcome, verbose=verbose) for outcome in failed)


def _table(outcomes: Iterable[Outcome]) -> str:
    rows: dict[tuple[str, str], Counter[str]] = {}
    numbers: dict[tuple[str, str], set[int]] = {}
    for outcome in outcomes:
        row = outcome.case.kind, outcome.case.family
        rows.setdefault(row, Counter())[outcome.state] += 1
        numbers.setdefault(row, set()).add(outcome.case.number)
    cells = [
        (*row, str(len(numbers[row])), str(states.total()), *(str(states[s]) for s in STATES))
        for row, states in rows.items()
    ]
    all_states: Counter[str] = sum(rows.values(), Counter())
    count = sum(map(len, numbers.values()))
    totals = (str(all_states.total()), *(str(all_states[state]) for state in STATES))
    return table(HEAD, cells, HEAD[2:], ("all", "", str(count), *totals))


def _by_reason(outcomes: Iterable[Outcome], state: str) -> str:
    """Return a line for each check and reason of one state, with how often it came."""
    found = Counter(
        (each.case.check.__name__, each.message) for each in outcomes if each.state == state
    )
    width = max((len(str(count)) for count in found.values()), default=0)
    return "\n".join(
        f"  {count:{width}}  {check}: {clean(why)}" for (check, why), count in found.items()
    )


def _failure(outcome: Outcome, *, verbose: bool) -> str:
    case = outcome.case
    told = [f"wanted: {case.wants}", f"example: {case.example!r}", f"found: {outcome.message}"]
    if verbose:
        told += outcome.traceback.rstrip().split("\n")
    lines = (clean(line) for text in told for line in text.split("\n"))
    return f"  {case}\n" + textwrap.indent("\n".join(lines), "    ").rstrip()


def _plain(record: Record, outcomes: Iterable[Outcome]) -> dict[str, Any]:
    told = list(outcomes)
    return {
        "dist": record.dist,
        "version": record.version,
        "note": record.note,
        **{state: sum(each.state == state for each in told) for state in STATES},
        "cases": [
            {
                "kind": each.case.kind,
                "family": each.case.family,
                "number": each.case.number,
                "example": repr(each.case.example),
                "check": each.case.check.__name__,
                "wanted": each.case.wants,
                "state": each.state,
                "message": each.message,
                "seconds": round(each.seconds, 4),
            }
            for each in told
        ],
    }
