"""Discovery: every installed plugin in turn, as far as the environment lets it in.

A distribution whose import or hooks fail is recorded with its traceback; everything else works.
"""

from __future__ import annotations

import os
import re
import time
import traceback
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import attrs

from mlpk.catalog import FIRST_PARTY, Brought, Catalog, Record, Show
from mlpk.choice import PLAIN
from mlpk.errors import (
    ConfigError,
    MlpkError,
    PluginError,
    PluginWarning,
    listing,
    nearest,
    shown,
)
from mlpk.installed import Installed, installed, is_name, normalised
from mlpk.record import IMPLEMENTATIONS
from mlpk.staging import Owners, stage
from mlpk.target import check_targets

__all__ = ["discover", "survey"]

CAVEAT = (
    " Plugins are being loaded: until all are, they and the threads that they start see mlpk's own "
    "kinds alone."
)
# Whose lines an error of a plugin goes through on its way: Python's machinery for imports, and ours.
OURS = {"importlib", "mlpk", "pluggy"}
_told: set[str] = set()  # each failure is told once in a process


def discover(show_unfinished: Show) -> Catalog:
    """Return the catalog of `survey`, with a warning for each plugin that is left out broken.

    MLPK_PLUGINS_STRICT=1 makes that an error.
    """
    made = survey(show_unfinished)
    strict = os.environ.get("MLPK_PLUGINS_STRICT", "")
    if strict not in ("", "0", "1"):
        raise PluginError(f"MLPK_PLUGINS_STRICT: wanted 0 or 1, found {shown(strict)}")
    broken = {_told_of(record): record for record in made.records if record.broken}
    if broken and strict == "1":
        raise PluginError(" ".join(broken), next(iter(broken.values())).dist)
    for message in broken:
        if message not in _told:
            warnings.warn(message, PluginWarning, stacklevel=2)
            _told.add(message)
    return made


def survey(show_unfinished: Show) -> Catalog:
    """Return a catalog of what is installed and let in; nothing is said of what is broken.

    MLPK_PLUGINS lists the distributions to load (unset: all, empty: none), MLPK_PLUGINS_BLOCK
    takes some away.
    """
    found: dict[str, list[Installed]] = {}
    for each in installed():
        found.setdefault(each.dist, []).append(each)
    ours, others = _ours(found.pop(FIRST_PARTY, []))
    owners: dict[str, set[str]] = {}
    for each in (each for same in found.values() for each in same):
        for module in each.modules:
            owners.setdefault(module, set()).add(each.dist)
    owners |= {module: {FIRST_PARTY} for module in ours.modules}
    blocked = _blocked(found)
    brought, record = _load(ours, owners)
    if record.error is not None:
        raise PluginError(f"mlpk's own plugins cannot be loaded:\n{record.error}", FIRST_PARTY)
    records = [attrs.evolve(record, note=_copies(ours, others)), *_impostors(ours, others)]
    # Who is preferred is perhaps not loaded yet: what they compute meanwhile is computed plainly.
    show_unfinished(Catalog(brought, records, caveat=CAVEAT, preferred=(PLAIN,)))
    for dist, same in sorted(found.items()):
        if (variable := blocked.get(dist)) is not None:
            why = f"kept out by {variable}"
            records += [Record(dist, each.version, "blocked", 0.0, (), why) for each in same[:1]]
        elif len({each.name for each in same}) > 1:
            records += _twins(same)
        else:
            new, record = _load(same[0], owners)
            records.append(attrs.evolve(record, note=_copies(same[0], same[1:])))
            brought = [*brought, *new]
    brought, records = _fitting(brought, records)
    shadowed = _shadowed(brought)
    return Catalog(
        brought,
        [
            attrs.evolve(
                record, note="; ".join(filter(None, [record.note, *shadowed[record.dist]]))
            )
            for record in records
        ],
    )


def _fitting(brought: list[Brought], records: list[Record]) -> tuple[list[Brought], list[Record]]:
    """Leave out, whole, whoever implements what is no kind, once all that there are is known."""
    kinds = Catalog(brought, records)
    for dist in {item.dist: None for item in brought if item.family == IMPLEMENTATIONS}:
        try:
            check_targets(kinds, [item for item in brought if item.dist == dist])
        except ConfigError as error:
            text, why = traceback.format_exc(), _reason(error)
            kept = [item for item in brought if item.dist != dist]
            told = [
                Record(each.dist, each.version, "failed", each.seconds, (), text, why)
                if each.dist == dist
                else each
                for each in records
            ]
            return _fitting(kept, told)  # the kinds of this one may be what another implements
    return brought, records


def _shadowed(brought: Iterable[Brought]) -> dict[str, list[str]]:
    """Return, by distribution, what to know of its kinds whose short name is not theirs."""
    same: dict[tuple[str, str], list[Brought]] = {}
    for item in brought:
        if item.family != IMPLEMENTATIONS:
            same.setdefault((item.family, item.kind), []).append(item)
    told: dict[str, list[str]] = defaultdict(list)
    for rivals in same.values():
        dists = {item.dist for item in rivals}
        for item in rivals:
            others = listing(dists - {item.dist})
            if len(dists) > 1 and item.dist != FIRST_PARTY:
                why = "the short name is mlpk's" if FIRST_PARTY in dists else f"{others} has it too"
                text = f"{item.kind}: reached only as {item.id}; {why}"
                told[item.dist].append(text)
    return told


def _ours(candidates: Sequence[Installed]) -> tuple[Installed, list[Installed]]:
    """Return the distribution that this package is part of, and others that call themselves so."""
    if not candidates:
        raise PluginError(
            "mlpk's own plugins were not found: their entry points come with an installation; "
            "install the project (python -m pip install .)",
            FIRST_PARTY,
        )
    package = Path(__file__).parent
    holding = (each for each in candidates if len(candidates) > 1 and each.holds(package))
    ours = next(holding, candidates[0])
    return ours, [each for each in candidates if each is not ours]


def _impostors(ours: Installed, others: Iterable[Installed]) -> list[Record]:
    """Return the records of those who call themselves mlpk; none of them can be let in."""
    records = []
    for each in (other for other in others if other.name != ours.name):
        state: Literal["blocked", "conflict"] = "conflict"
        why = (
            f"its name is mlpk's, which is in {ours.place}; this one, in {each.place}, is left out"
        )
        if "MLPK_PLUGINS" in os.environ:
            state, why = "blocked", "kept out by MLPK_PLUGINS"
        records.append(Record(FIRST_PARTY, each.version, state, 0.0, (), why))
    return records


def _twins(same: Sequence[Installed]) -> list[Record]:
    listed = " and ".join(f"{each.name} {each.version} in {each.place}" for each in same)
    why = f"these names mean the same distribution: {listed}; uninstall all but one"
    return [Record(each.dist, each.version, "conflict", 0.0, (), why) for each in same]


def _copies(first: Installed, others: Iterable[Installed]) -> str:
    """Return what to know about further copies of a distribution, if they are not the same."""
    listed = [
        f"{each.version} in {each.place}"
        for each in others
        if each.name == first.name
        and (each.version, set(each.points)) != (first.version, set(first.points))
    ]
    return f"in {first.place}; passed over: {', '.join(listed)}" if listed else ""


def _blocked(found: Mapping[str, Sequence[Installed]]) -> dict[str, str]:
    """Return the distributions that the environment keeps out, with the variable that does."""
    known = set(filter(is_name, found))
    blocked = {}
    if (allowed := _listed("MLPK_PLUGINS", known)) is not None:
        blocked = dict.fromkeys(found.keys() - allowed, "MLPK_PLUGINS")
    denied = _listed("MLPK_PLUGINS_BLOCK", known)
    return blocked | dict.fromkeys(denied or (), "MLPK_PLUGINS_BLOCK")


def _listed(variable: str, known: set[str]) -> set[str] | None:
    if variable not in os.environ:
        return None
    words = re.findall(r"[^\s,]+", os.environ[variable])
    names = set(map(normalised, words))
    for name in sorted(names - known):
        problem = f"but no plugin of that name is installed.{nearest(name, known)}"
        if name == FIRST_PARTY:
            problem = "whose own plugins are always active; leave it out"
        raise PluginError(f"{variable} names '{name}', {problem}", name)
    return names


def _load(found: Installed, owners: Owners) -> tuple[list[Brought], Record]:
    started = time.perf_counter()
    try:
        brought = stage(found.dist, found.load(), owners)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a plugin raises stays its own failure
        seconds = time.perf_counter() - started
        text = traceback.format_exc()
        return [], Record(found.dist, found.version, "failed", seconds, (), text, _reason(error))
    seconds = time.perf_counter() - started
    return brought, Record.active(found.dist, found.version, seconds, brought)


def _reason(error: BaseException) -> str:
    try:
        said = str(error).strip()
    except Exception:  # noqa: BLE001 - even its text may be broken
        said = ""
    first = said.partition("\n")[0]
    if isinstance(error, MlpkError) and first:
        return first
    told = f"{type(error).__name__}: {first}".removesuffix(": ")
    return told if isinstance(error, SyntaxError) else told + _place(error)  # which says where


def _place(error: BaseException) -> str:
    """Return where an error last passed through the plugin, " (file, line 3)"; "" if it never did."""
    own = found = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        own = own or ("" if package in OURS else package)
        if package == own:
            found = f" ({Path(frame.f_code.co_filename).name}, line {line})"
    return found


def _told_of(record: Record) -> str:
    can_be_blocked = is_name(record.dist) and record.dist != FIRST_PARTY
    remedy = f"; MLPK_PLUGINS_BLOCK={record.dist} silences this" if can_be_blocked else ""
    return (
        f"the plugin {record.named} {record.fate} and is left out: {record.reason}. "
        f"`mlpk plugins` shows more{remedy}."
    )
