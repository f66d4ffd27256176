"""Staging: what a plugin's hooks return, checked before any of it is committed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, TypeAlias

import pluggy

from mlpk import hookspecs
from mlpk.catalog import LOCAL, Brought
from mlpk.errors import ConfigError, PluginError, listing, nearest, shown
from mlpk.implementation import Implementation
from mlpk.initializer import Initializer
from mlpk.kind import Kind
from mlpk.layer import Layer
from mlpk.loss import Loss
from mlpk.metric import Metric
from mlpk.optimizer import Optimizer
from mlpk.record import IMPLEMENTATIONS
from mlpk.regularizer import Regularizer
from mlpk.schedule import Schedule
from mlpk.version import __version__

__all__ = ["FAMILIES", "Owners", "local", "stage"]

# The distributions whose entry points name a module: what stands in it is theirs to bring.
Owners: TypeAlias = Mapping[str, Collection[str]]

FAMILIES: dict[str, type[Kind] | None] = {
    "layers": Layer,
    "optimizers": Optimizer,
    "losses": Loss,
    "initializers": Initializer,
    "schedules": Schedule,
    "metrics": Metric,
    "regularizers": Regularizer,
    "callbacks": None,  # ordinary classes with a kind
    "datasets": None,  # functions
    "commands": None,  # click's commands
}


def local(thing: object) -> list[Brought]:
    """Return what a module, an object with hooks or a single kind brings, without an entry point."""
    if isinstance(thing, type) and issubclass(thing, Kind):
        return [_brought(LOCAL, thing.family, thing)]
    return stage(LOCAL, [thing])


def stage(dist: str, modules: Iterable[object], owners: Owners | None = None) -> list[Brought]:
    """Return everything that a distribution's modules bring, or raise what is wrong with it."""
    brought: list[Brought] = []
    for module in modules:
        _check_interface(dist, module)
        manager = pluggy.PluginManager("mlpk")
        manager.add_hookspecs(hookspecs)
        _check_hooks(dist, module, manager)
        try:
            manager.register(module)
        except pluggy.PluginValidationError as error:
            reason = " ".join(str(error).split())
            raise PluginError(f"a hook does not fit its specification: {reason}", dist) from error
        found = [
            _brought(dist, family, thing)
            for family in (*FAMILIES, IMPLEMENTATIONS)
            for things in manager.hook.__getattribute__(f"mlpk_{family}")()
            for thing in _things(dist, family, things)
        ]
        if not found:
            problem = (
                "brings nothing: it has no hook that returns kinds, commands or implementations"
            )
            if not isinstance(module, ModuleType):
                problem += "; an entry point names the module that holds the hooks"
            raise PluginError(f"{_named(module)} {problem}", dist)
        for item in found:
            _check_owner(item, owners or {})
        brought += found
    _check_unique(dist, brought)
    return brought


def _named(thing: object) -> str:
    """Return what an entry point gave, for a sentence."""
    if isinstance(thing, ModuleType):
        return f"the module {thing.__name__}"
    what = "function" if inspect.isroutine(thing) else "class" if isinstance(thing, type) else ""
    return f"the {what} {thing.__name__}" if what else f"an object of {type(thing).__name__}"  # type: ignore[attr-defined] # both have one


def _check_interface(dist: str, module: object) -> None:
    """Refuse what was written for another interface; what says nothing was written for the first."""
    stated = getattr(module, "mlpk_interface", 1)
    if type(stated) is not int or stated < 1:
        raise PluginError(f"mlpk_interface: wanted an integer from 1, found {shown(stated)}", dist)
    if stated != hookspecs.INTERFACE:
        raise PluginError(
            f"it is written for interface {stated} of mlpk, and mlpk {__version__} has interface "
            f"{hookspecs.INTERFACE}; install releases of both that go together",
            dist,
        )


def _check_owner(item: Brought, owners: Owners) -> None:
    """Refuse what stands in the module of another distribution: it would have two ids."""
    # An object has the module of its class, which for a command is click's. The functions of an
    # implementation may be anybody's: no file names them.
    source = item.thing.callback if item.family == "commands" else item.thing
    module = str(getattr(source, "__module__", ""))
    while module and module not in owners:
        module = module.rpartition(".")[0]
    theirs = owners.get(module, (item.dist,))
    if item.dist not in theirs:
        raise PluginError(
            f"{item.thing!r} belongs to {listing(theirs)}; a distribution brings its own", item.dist
        )


def _check_hooks(dist: str, module: object, manager: pluggy.PluginManager) -> None:
    """Refuse a misspelt hook, and a public mlpk_* function that misses its marker."""
    known = [name for name in vars(hookspecs) if name.startswith("mlpk_")]
    for name in dir(module):
        if not name.startswith("mlpk_") or not inspect.isroutine(getattr(module, name, None)):
            continue
        if name not in known:
            raise PluginError(f"there is no hook {name}.{nearest(name, known)}", dist)
        if manager.parse_hookimpl_opts(module, name) is None:
            raise PluginError(f"{name} is not marked as a hook: put @mlpk.hookimpl on it", dist)


def _things(dist: str, family: str, things: object) -> Iterator[Any]:
    if isinstance(things, str | Mapping) or not isinstance(things, Iterable):
        raise PluginError(f"mlpk_{family} must return a list, found {type(things).__name__}", dist)
    yield from things


def _brought(dist: str, family: str, thing: Any) -> Brought:
    name_of = {"commands": _command_name, IMPLEMENTATIONS: _implemented}.get(family)
    if name_of is not None:
        return Brought(family, name_of(thing), dist, thing)
    base, kind = FAMILIES[family], getattr(thing, "kind", None)
    if base is not None:
        if not isinstance(thing, type) or not issubclass(thing, base):
            raise ConfigError(
                f"mlpk_{family}", f"wanted subclasses of {base.__name__}, found {thing!r}"
            )
        if "__mlpk_checks__" not in vars(thing):
            raise ConfigError(thing.__name__, "this class is not defined with @mlpk.define")
    elif family == "datasets":
        if not inspect.isfunction(thing):
            raise ConfigError(f"mlpk_{family}", f"wanted functions, found {thing!r}")
        kind = thing.__name__
    elif not isinstance(thing, type) or not isinstance(kind, str):
        raise ConfigError(f"mlpk_{family}", f"wanted classes with a kind, found {thing!r}")
    if not isinstance(kind, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", kind):
        raise ConfigError(f"mlpk_{family}", f"wanted names in snake_case, found {shown(kind)}")
    if not isinstance(thing, Hashable):
        raise ConfigError(f"mlpk_{family}", f"wanted classes with a hash, found {thing!r}")
    return Brought(family, kind, dist, thing)


def _implemented(thing: Any) -> str:
    """Return the name of the kind that is implemented, or refuse what is no implementation."""
    if not isinstance(thing, Implementation):
        raise ConfigError(
            f"mlpk_{IMPLEMENTATIONS}", f"wanted objects of mlpk.Implementation, found {thing!r}"
        )
    return thing.kind


def _command_name(thing: Any) -> str:
    """Return the name of a command, or refuse what is none."""
    import click  # noqa: PLC0415 - `import mlpk` does without it

    if not isinstance(thing, click.Command):
        raise ConfigError("mlpk_commands", f"wanted click commands, found {thing!r}")
    name = thing.name
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        problem = f"wanted names of small letters, digits and '-', found {shown(name)}"
        raise ConfigError("mlpk_commands", problem)
    return name


def _check_unique(dist: str, brought: list[Brought]) -> None:
    seen: dict[tuple[str, str], Any] = {}
    for item in brought:
        if (item.family, item.kind) in seen:
            other = seen[item.family, item.kind]
            raise PluginError(f"{item.kind} is brought twice: {other!r} and {item.thing!r}", dist)
        seen[item.family, item.kind] = item.thing
