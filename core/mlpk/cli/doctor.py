"""`mlpk doctor`: what a file needs, against what is here."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any

import click

from mlpk.cli.text import facts, listed
from mlpk.errors import PluginWarning
from mlpk.file.diagnosis import Diagnosis, KindHere, diagnosed
from mlpk.file.source import Source
from mlpk.table import size
from mlpk.training.results import ended
from mlpk.version import __version__

__all__ = ["command"]

HEAD = ("kind", "family", "schema", "here", "the file claims", "is here", "state")


@click.command("doctor")
@click.argument("model", metavar="MODEL.mlpk")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def command(ctx: click.Context, model: str, as_json: bool) -> None:
    """Show what a file needs, against what is here.

    The exit status is 0 if the file loads and its training run, if it has one, can go on, or was
    ended by a callback and is over.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # the table tells the same
        with Source.open(model) as source:
            found = diagnosed(source)
    if as_json:
        click.echo(json.dumps(_plain(found), indent=2))
    else:
        click.echo(facts(_facts(found)))
        if found.kinds:
            rows = map(_row, found.kinds)
            click.echo("\n" + listed(HEAD, rows, numbers=("schema", "here")))
    ctx.exit(0 if found.healthy else 1)


def _facts(found: Diagnosis) -> Iterator[tuple[str, str]]:
    yield "size", f"{size(found.size)} ({found.size:,} bytes)"
    if found.header is not None:
        yield "format", f"{found.version}, which mlpk {__version__} reads"
        yield "generator", found.header.generator
        yield "digest", found.digest
    yield "bytes", found.damage or "each is as it was written"
    if found.header is not None:
        yield "loading", found.problem or ("works" if not found.damage else "fails: it is damaged")
        yield "training", _training(found)


def _training(found: Diagnosis) -> str:
    state = found.training
    if state is None:
        return "no state kept"
    made = f"epoch {state.epoch}, {state.step:,} updates, computed by '{state.implementation}'"
    if state.ended:
        return f"{made}; ended by a callback, and does not go on: {_reason(found)}"
    if state.here not in ("", state.implementation):
        made += f" (here '{state.here}' computes, and the bits will differ)"
    return f"{made}; cannot go on: {state.problem}" if state.problem else f"{made}; can go on"


def _reason(found: Diagnosis) -> str | None:
    """Return why a callback ended the run of a file, None if it can go on, or if it has none."""
    state = None if found.header is None else found.header.state
    return None if state is None else ended(state.fit)


def _row(kind: KindHere) -> tuple[str, ...]:
    need = kind.need
    here = "-" if need.here is None else str(need.here)
    claim, owner = f"{need.dist} {need.version}".strip(), f"{kind.dist} {kind.version}".strip()
    state = need.state if not kind.remark else f"{need.state}: {kind.remark}"
    return need.id, need.family or "-", str(need.schema), here, claim, owner or "-", state


def _plain(found: Diagnosis) -> dict[str, Any]:
    header, state = found.header, found.training
    return {
        "healthy": found.healthy,
        "size": found.size,
        "format": found.version or None,
        "generator": None if header is None else header.generator,
        "digest": found.digest or None,
        "damage": found.damage or None,
        "problem": found.problem or None,
        "kinds": [
            {
                "id": kind.need.id,
                "family": kind.need.family,
                "schema": kind.need.schema,
                "here": kind.need.here,
                "state": kind.need.state,
                "claimed": {"dist": kind.need.dist, "version": kind.need.version},
                "installed": {"dist": kind.dist, "version": kind.version} if kind.dist else None,
                "remark": kind.remark or None,
            }
            for kind in found.kinds
        ],
        "training": None
        if state is None
        else {
            "epoch": state.epoch,
            "step": state.step,
            "ended": state.ended,
            "reason": _reason(found),
            "implementation": state.implementation,
            "here": state.here or None,
            "problem": state.problem or None,
        },
    }
