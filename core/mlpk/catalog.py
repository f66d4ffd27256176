"""Which kinds are installed, who brought each, and what computes it.

A catalog never changes. The current one is made on first use and swapped for a new one by
`mlpk.plugins.add`, `mlpk.plugins.refresh` and `mlpk.use`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from functools import cached_property
from typing import Any

from mlpk.choice import Choice
from mlpk.errors import (
    ConfigError,
    MissingPluginError,
    PluginError,
    TooNew,
    UnknownKindError,
    listing,
    nearest,
    shown,
)
from mlpk.record import FIRST_PARTY, IMPLEMENTATIONS, LOCAL, Brought, Record
from mlpk.target import target
from mlpk.turn import Turn
from mlpk.version import __version__
from mlpk_schemas.synonyms import kind_hint

__all__ = [
    "FIRST_PARTY",
    "LOCAL",
    "Brought",
    "Catalog",
    "Record",
    "Show",
    "current",
    "discovered",
    "swap",
]


class Catalog:
    """A fixed set of kinds, found by short name in code and by id in files.

    `former` are those that others have replaced (a notebook's cell that ran again): networks made
    of them can still be saved. Where several name one class, the first keeps it. `caveat` is added
    to what is said of an unknown name. `preferred` are the implementations that were chosen with
    `mlpk.use`, None if nobody did.
    """

    def __init__(
        self,
        brought: Iterable[Brought],
        records: Iterable[Record],
        former: Iterable[Brought] = (),
        caveat: str = "",
        preferred: Sequence[str] | None = None,
    ) -> None:
        self.brought = tuple(brought)
        self.records = tuple(records)
        self.former = tuple(former)
        self.preferred = preferred
        self._caveat = caveat
        self._kinds = [item for item in self.brought if item.family != IMPLEMENTATIONS]
        self._by_id = {(item.family, item.id): item for item in self._kinds}
        self._by_kind: dict[tuple[str, str], list[Brought]] = {}
        for item in self._kinds:
            self._by_kind.setdefault((item.family, item.kind), []).append(item)
        self._ids: dict[Any, str] = {}
        for item in (*self._kinds, *self.former):
            self._ids.setdefault(item.thing, item.id)

    @cached_property
    def implementations(self) -> dict[type[Any], list[Brought]]:
        """What was brought for each class that is implemented, and is active."""
        found: dict[type[Any], list[Brought]] = {}
        for item in self.brought:
            if item.family == IMPLEMENTATIONS:
                kind = target(self, item.thing)
                if kind is not None:
                    found.setdefault(kind, []).append(item)
        return found

    @cached_property
    def choice(self) -> Choice:
        """What computes each kind; made when something is first computed."""
        return Choice(self, self.preferred)

    def preferring(self, names: Sequence[str] | None) -> Catalog:
        """Return the same catalog with other implementations preferred."""
        made = copy(self)
        made.preferred = names
        vars(made).pop("choice", None)
        return made

    def names(self, family: str) -> list[str]:
        """Return every name that `find` takes for a family: short where unique, else the id."""
        names = []
        for item in self._kinds:
            if item.family == family:
                rivals = self._by_kind[family, item.kind]
                short = item.dist == FIRST_PARTY or len(rivals) == 1
                names.append(item.kind if short else item.id)
        return sorted(names)

    def find(self, family: str, name: str) -> Any:
        """Return what is registered under a short name or an id, or raise `UnknownKindError`."""
        if not isinstance(name, str):
            raise UnknownKindError(family, shown(name), f"wanted a name, found {shown(name)}")
        if (item := self._by_id.get((family, name))) is not None:
            return item.thing
        rivals = self._by_kind.get((family, name), [])
        if len(rivals) == 1:
            return rivals[0].thing
        if rivals:
            ids = " and ".join(f"'{item.id}'" for item in rivals)
            problem = f"'{name}' is offered by several plugins: {ids}; write one of these in full"
            raise UnknownKindError(family, name, problem)
        self._raise_if_broken(name)
        known = self.names(family)
        if ":" in name:
            problem = f"there is no '{name}' among the {family}: {self._why_not(family, name)}."
            near = nearest(name, [each for each in known if ":" in each])
            raise UnknownKindError(family, name, f"{problem}{near}{self._caveat}")
        broken = {record.dist for record in self.records if record.broken}
        remedy = f" These plugins failed to load: {listing(broken)}." if broken else ""
        hint = kind_hint(family, name, known) or nearest(name, known)
        hint = hint or f" Known are: {listing(known, 40)}."
        problem = f"there is no '{name}' among the {family}.{hint}{remedy}{self._caveat}"
        raise UnknownKindError(family, name, problem)

    def by_id(self, family: str, identity: str, schema: int) -> Any:
        """Return the class of an id in a file; its schema may be older than the installed one."""
        item = self._by_id.get((family, identity))
        if item is None:
            self._raise_if_broken(identity)
            problem = f"there is no '{identity}' among the {family} that are active here"
            raise UnknownKindError(family, identity, problem)
        if schema < 1:
            raise ConfigError(identity, f"wanted a schema from 1, found {schema}")
        if schema > item.thing.schema:
            raise MissingPluginError([], [self.too_new(family, identity, schema)])
        return item.thing

    def schema_of(self, family: str | None, identity: str) -> int | None:
        """Return the installed schema of an id, None if it is not active; in any family for None.

        Where several families have the id it is the highest of theirs.
        """
        families = {known for known, _ in self._by_id} if family is None else {family}
        found = [
            self._by_id[known, identity] for known in families if (known, identity) in self._by_id
        ]
        return max((getattr(item.thing, "schema", 1) for item in found), default=None)

    def too_new(self, family: str | None, identity: str, schema: int, claim: str = "") -> TooNew:
        """Return what to say of an active id that a file holds in a newer schema."""
        owner = self.owner(identity)
        dist, version = (owner.dist, owner.version) if owner else (FIRST_PARTY, __version__)
        here = self.schema_of(family, identity) or 1
        return TooNew(identity, schema, here, dist, version, claim)

    def why_missing(self, identity: str) -> str:
        """Return why an id is not active though its distribution is installed; else ""."""
        record = self.owner(identity)
        if record is None or record.dist == LOCAL:
            return ""
        if record.state == "active":
            return f"{record.named} is active, and has no such kind"
        return f"{record.named} {record.fate}: {record.reason}"

    def has(self, family: str | None, identity: str) -> bool:
        """Tell whether an id is active, in one family or (None) in any."""
        if family is not None:
            return (family, identity) in self._by_id
        return any(known == identity for _, known in self._by_id)

    def id_of(self, thing: Any) -> str:
        """Return the id of a registered class."""
        if thing not in self._ids:
            raise ConfigError(
                getattr(thing, "__name__", str(thing)),
                "this class is not registered, so that a file could not name it; register it "
                "first: mlpk.plugins.add(...) with the class or its module",
            )
        return self._ids[thing]

    def owner(self, identity: str) -> Record | None:
        """Return the record of the third-party distribution that an id belongs to."""
        dist, _, kind = identity.rpartition(":")
        found = (record for record in self.records if record.dist == dist)
        return next(found, None) if kind and dist else None

    def _why_not(self, family: str, identity: str) -> str:
        """Return why an id in full is not active, though its distribution is not broken."""
        dist = identity.rpartition(":")[0]
        if dist == LOCAL:
            return "nothing of that name was added; mlpk.plugins.add(...) does it"
        if (record := self.owner(identity)) is None:
            return f"no plugin {dist} is installed here"
        own = [item for item in self.brought if (item.dist, item.family) == (dist, family)]
        return f"{record.named} has none of that name; its {family}: " + listing(
            item.kind if dist == FIRST_PARTY else item.id for item in own
        )

    def _raise_if_broken(self, name: str) -> None:
        record = self.owner(name)
        if record is not None and record.state != "active":
            raise PluginError(
                f"'{name}' is asked for, but the plugin {record.named} {record.fate}: "
                f"{record.reason}",
                record.dist,
            )


Show = Callable[[Catalog], None]
Make = Callable[[Show], Catalog]

_turn = Turn()
# What `current` returns, once it is made. What was found in a catalog is good until this is another.
in_force: Catalog | None = None
_unfinished: Catalog | None = None


def current(make: Make | None = None) -> Catalog:
    """Return the catalog in force; the first call discovers what is installed, or calls `make`.

    A plugin that asks while it is being loaded, from any thread that it started, sees the
    first-party kinds. Everybody else waits until all are loaded.
    """
    if _unfinished is not None and _turn.mine:
        return _unfinished
    if in_force is not None:
        return in_force
    if _turn.mine:
        raise PluginError(
            "mlpk's own plugins ask for kinds while they are being loaded", FIRST_PARTY
        )
    with _turn.taken():
        return in_force if in_force is not None else _put_in_force(make or discovered)


def discovered(show_unfinished: Show) -> Catalog:
    """Return a catalog of what is installed now."""
    from mlpk.discovery import discover  # noqa: PLC0415 - reading metadata takes time: on first use

    return discover(show_unfinished)


def swap(make: Make) -> Catalog:
    """Put the catalog that `make` returns in force.

    `make` is handed a function that shows an unfinished catalog to the plugins it is importing.
    """
    if _turn.mine:
        raise PluginError(
            "plugins are being loaded, and one of them changes what is active; bring kinds through "
            "hooks, and leave mlpk.use, mlpk.plugins.add and refresh to programs"
        )
    with _turn.taken():
        return _put_in_force(make)


def _put_in_force(make: Make) -> Catalog:
    global in_force, _unfinished  # noqa: PLW0603 - the one place where the catalog in force is held
    try:
        made = make(_show_unfinished)
    finally:
        _unfinished = None
    in_force = made
    return made


def _show_unfinished(catalog: Catalog) -> None:
    global _unfinished  # noqa: PLW0603 - see _put_in_force
    _unfinished = catalog
