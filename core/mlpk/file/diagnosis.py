"""What a file needs, against what is here."""

from __future__ import annotations

import re
from collections.abc import Iterable

import attrs

from mlpk import catalog
from mlpk.catalog import FIRST_PARTY
from mlpk.computing import computing
from mlpk.errors import ConfigError, FileFormatError, MissingPluginError, listing
from mlpk.file import reader
from mlpk.file.matching import understood
from mlpk.file.needs import Need, needs, refuse_missing
from mlpk.file.older.current import current
from mlpk.file.older.filling import Filling
from mlpk.file.older.upgraded import Upgraded
from mlpk.file.portability import is_local
from mlpk.file.prelude import PRELUDE_SIZE, VERSION, parse
from mlpk.file.refusal import refusal
from mlpk.file.source import Source
from mlpk.file.trained import check_trained, trained_tensors
from mlpk.file.verification import verify
from mlpk.graph import Graph
from mlpk.loss import Loss
from mlpk.optimizer import Optimizer
from mlpk_schemas.errors import quoted
from mlpk_schemas.file import Header
from mlpk_schemas.records import values

__all__ = ["Diagnosis", "KindHere", "Training", "diagnosed"]


@attrs.frozen
class KindHere:
    """A kind of the file, and the distribution that has it here; `remark` says what to know."""

    need: Need
    dist: str
    version: str
    remark: str


@attrs.frozen
class Training:
    """The state of a training run. `problem` says why it cannot go on here, "" if it can.

    `implementation` computed it, and `here` would: "" where it cannot go on. One that a callback
    `ended` is over anywhere.
    """

    epoch: int
    step: int
    ended: bool
    implementation: str
    here: str
    problem: str


@attrs.frozen
class Diagnosis:
    """What became of each check. `damage` and `problem` are "" where all is well.

    A damaged file has no `header`, or bytes that are not those that were written; `problem` says
    why a whole one does not load here.
    """

    size: int
    damage: str
    problem: str = ""
    version: str = ""
    digest: str = ""
    header: Header | None = None
    kinds: tuple[KindHere, ...] = ()
    training: Training | None = None

    @property
    def healthy(self) -> bool:
        """Whether the file loads, and its training run, if it has one that is not over, can go on."""
        stuck = self.training and not self.training.ended and self.training.problem
        return not (self.damage or self.problem or stuck)


def diagnosed(source: Source) -> Diagnosis:
    """Return what a file needs and whether it is here; whatever is wrong is part of the answer."""
    try:
        header = reader.read_header(source)
    except FileFormatError as error:
        return Diagnosis(source.size, error.problem)
    damage = problem = stuck = here = ""
    try:
        verify(source, header)
    except FileFormatError as error:
        damage = error.problem
    try:
        refuse_missing(header)
        with refusal():
            file, graph = understood(header, opaque=False)
        if not damage:
            _make(source, header, file, [*graph.arrays("params"), *graph.arrays("buffers")])
        stuck = _stuck(source, header, file, graph, damaged=bool(damage))
        here = _computing(file, graph) if not (damage or stuck) else ""
    except (FileFormatError, MissingPluginError) as error:
        problem = str(error).removeprefix(f"{source.path}: ")
    prelude = parse(bytes(source.read(PRELUDE_SIZE, 0)), source.size)
    state = header.state
    return Diagnosis(
        size=source.size,
        damage=damage,
        problem=problem,
        version=f"{VERSION[0]}.{prelude.minor}",
        digest=reader.digest(source),
        header=header,
        kinds=tuple(_here(need) for need in needs(header)),
        training=None
        if state is None
        else Training(
            state.fit.epoch,
            state.optimizer.step,
            state.fit.stopped,
            state.implementation,
            here,
            "the file does not load here" if problem or damage else stuck,
        ),
    )


def _make(source: Source, header: Header, file: Upgraded, names: Iterable[str]) -> None:
    """Make the arrays that migrations compute, one after the other, as whoever loads them does."""
    filling = Filling(source, header, file, "full")
    for name in file.made.keys() & names:
        filling.arrays([name])


def _stuck(source: Source, header: Header, file: Upgraded, graph: Graph, *, damaged: bool) -> str:
    """Return why the training run of a file that loads cannot go on."""
    try:
        with refusal():
            current(file.header, graph.spec())
            if not damaged and not file.stuck:
                _make(source, header, file, file.names)
    except FileFormatError as error:
        return str(error).removeprefix(f"{source.path}: ")
    return file.stuck or _unfit(file, graph) or _lacking(header)


def _unfit(file: Upgraded, graph: Graph) -> str:
    """Return why the weights that a run was to go on with are not taken; "" if there is nothing."""
    state = file.header.state
    tensors = trained_tensors(graph.arrays("params"), graph.arrays("buffers"))
    try:
        if state is not None:
            check_trained(tensors, state.fit.running, file.names, file.shape_and_dtype)
    except ConfigError as error:
        return str(error)
    return ""


def _computing(file: Upgraded, graph: Graph) -> str:
    """Return what would compute the training run of a file here; "" if it has none."""
    state = current(file.header, graph.spec()).state
    if state is None:
        return ""
    optimizer = {key: getattr(state.optimizer, key) for key in ("id", "schema", "config")}
    return computing(
        graph,
        {name: Loss.read(values(loss), f"state.loss.{name}") for name, loss in state.loss.items()},
        Optimizer.read(optimizer, "state.optimizer"),
    )


def _lacking(header: Header) -> str:
    """Return what to say of callbacks of the run whose kinds are not active; "" if all are."""
    given = header.state.fit.options.get("callbacks") if header.state else None
    names = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    kinds = {item.kind for item in catalog.current().brought if item.family == "callbacks"}
    lacking = [name for name in names if not {name, re.sub(r"_\d+$", "", name)} & kinds]
    if not lacking:
        return ""
    told = quoted(listing(lacking), 160)[1:-1]
    return f"no plugin here has its callbacks {told}; a program that has them may go on"


def _here(need: Need) -> KindHere:
    active = catalog.current()
    if need.dist == FIRST_PARTY:
        owner = next((record for record in active.records if record.dist == FIRST_PARTY), None)
    else:
        owner = active.owner(need.id)
    missing = "was added in the program that saved it" if is_local(need.id) else "is not installed"
    remark = {
        "active": "no other program has it: it was added, not installed"
        if is_local(need.id)
        else "",
        "older": f"read through migrations, from schema {need.schema} to {need.here}",
        "newer": f"needs a newer release than {owner.version if owner else 'this'}",
        "missing": active.why_missing(need.id) or missing,
    }[need.state]
    return KindHere(need, owner.dist if owner else "", owner.version if owner else "", remark)
