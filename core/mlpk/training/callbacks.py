"""The callbacks of a run: checked, in order, and called."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from numbers import Number
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pluggy

from mlpk import calling, catalog, hookspecs
from mlpk.errors import ConfigError, nearest, shown
from mlpk.streams import stream
from mlpk_schemas.model import NAME

if TYPE_CHECKING:
    from mlpk.training.fit import Fit

__all__ = ["Callbacks", "Moment"]

Moment: TypeAlias = Literal["fit_begin", "batch_end", "epoch_end", "fit_end"]
HOOKS = ("mlpk_fit_begin", "mlpk_batch_end", "mlpk_epoch_end", "mlpk_fit_end")
ADVICE = "such as mlpk.callbacks.early_stopping(patience=3)"


class Callbacks:
    """The callbacks of one run, in the order in which they run; checkpoints come after all others.

    Each is given as an object, a registered name or a mapping with "kind". `progress` is True for
    the callback of that name, or one of the caller's; `checkpoint` is a path. A callback that saves
    to that very path takes the place of the one made from it.
    """

    def __init__(
        self, given: Iterable[Any], progress: Any, checkpoint: str | PathLike[str] | None
    ) -> None:
        self.listed = _listed(given, progress, checkpoint)
        made = catalog.current().find("callbacks", "checkpoint") if self.listed else ()
        self.savers = [callback for callback in self.listed if isinstance(callback, made)]
        others = [callback for callback in self.listed if not isinstance(callback, made)]
        # Of one manager a wrapper, or a hook that wants to be last, would run after the checkpoint.
        self._managers = [_manager(), _manager()]
        for place, callback in enumerate(self.listed):
            where = "progress" if callback is progress else f"callbacks[{place}]"
            _check(self._managers[0], callback, where)
            if any(callback is other for other in self.listed[:place]):
                raise ConfigError(where, "this object is listed twice")
        _refuse_rivals(self.listed)
        _refuse_shared_files(self.listed, self.savers)
        for manager, callbacks in zip(self._managers, (others, self.savers), strict=True):
            for callback in reversed(callbacks):  # pluggy calls the last registered first
                manager.register(callback)
        self._moment: Moment = "fit_begin"
        self._rngs: dict[str, np.random.Generator] = {}
        self._watched = {
            hook.removeprefix("mlpk_"): [
                caller
                for manager in self._managers
                if (caller := getattr(manager.hook, hook)).get_hookimpls()
            ]
            for hook in HOOKS
        }

    def tell(self, moment: Moment, fit: Fit) -> None:
        """Call a hook of every callback that has it."""
        self._moment = moment
        self._rngs.clear()
        for hook in self._watched[moment]:
            hook(fit=fit)

    def rng(self, seed: int, name: str, step: int) -> np.random.Generator:
        """Return the generator of (seed, name, step) for the hook that is being called."""
        held = self._rngs.get(name)
        if held is None:
            held = self._rngs[name] = stream(seed, f"callback/{self._moment}/{name}", step)
        return held

    def planned(self) -> Iterator[tuple[str, Any]]:
        """Yield (name, callback) of those that a run that goes on must have: all but checkpoints."""
        savers = set(map(id, self.savers))
        return ((name, each) for name, each in self.named() if id(each) not in savers)

    def stateful(self) -> Iterator[tuple[str, Any]]:
        """Yield (name, callback) of those that keep state."""
        return ((name, callback) for name, callback in self.named() if all(_halves(callback)))

    def named(self) -> Iterator[tuple[str, Any]]:
        """Yield (name, callback) of those that have state or `config`; a kind is numbered if need be."""
        taken = {"data", "history", "running", "validation"}
        for callback in self.listed:
            if all(_halves(callback)) or callable(getattr(callback, "config", None)):
                stem = getattr(callback, "kind", type(callback).__name__)
                name, number = stem, 0
                while name in taken:
                    number += 1
                    name = f"{stem}_{number}"
                taken.add(name)
                yield name, callback

    def refuse_stateless(self) -> None:
        """Refuse callbacks whose state would not come back: half a protocol, or no name for it."""
        for place, callback in enumerate(self.listed):
            where, found = f"callbacks[{place}]", type(callback).__name__
            tells, takes = _halves(callback)
            if tells != takes:
                has, lacks = ("state()", "restore(state)") if tells else ("restore", "state()")
                problem = f"{found} has {has} and no {lacks}: a run that goes on would lose what "
                raise ConfigError(where, f"{problem}it keeps; give it both, or run no checkpoint")
            kind = getattr(callback, "kind", found)
            if tells and not (isinstance(kind, str) and re.fullmatch(NAME, kind, re.ASCII)):
                problem = "wanted a name of ASCII letters, digits, '_', '-' and '.', under which "
                raise ConfigError(f"{where}.kind", f"{problem}to keep state; found {shown(kind)}")


def _halves(callback: Any) -> tuple[bool, bool]:
    """Tell whether a callback has `state`, and whether it has `restore`."""
    tells, takes = (callable(getattr(callback, name, None)) for name in ("state", "restore"))
    return tells, takes


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("mlpk")
    manager.add_hookspecs(hookspecs)
    return manager


def _listed(given: Any, progress: Any, checkpoint: Any) -> list[Any]:
    if not isinstance(given, Iterable) or isinstance(given, str | Mapping):
        raise ConfigError("callbacks", f"wanted a list of objects, {ADVICE}; found {shown(given)}")
    listed = [
        calling.callback(item, f"callbacks[{number}]") if isinstance(item, str | Mapping) else item
        for number, item in enumerate(given)
    ]
    if isinstance(progress, bool | np.bool_):
        if progress:
            listed.append(calling.callback("progress", "progress"))
    elif isinstance(progress, Number):
        problem = f"wanted True or False, or a callback of yours, found {shown(progress)}"
        raise ConfigError("progress", problem)
    elif progress is not None:
        listed.append(progress)
    if checkpoint is not None:
        made = catalog.current().find("callbacks", "checkpoint")(checkpoint)
        if not any(isinstance(other, type(made)) and _same(other, made) for other in listed):
            listed.append(made)
    return listed


def _same(one: Any, other: Any) -> bool:
    """Tell whether two checkpoints go to the same file."""
    paths: set[str] = {os.path.realpath(checkpoint.path) for checkpoint in (one, other)}
    return len(paths) == 1


def _refuse_shared_files(listed: list[Any], savers: list[Any]) -> None:
    """Refuse two checkpoints to one file: each would take the other's for its own."""
    for one, other in combinations(savers, 2):
        if _same(one, other):
            first, second = (
                next(place for place, callback in enumerate(listed) if callback is each)
                for each in (one, other)
            )
            raise ConfigError(
                f"callbacks[{second}]",
                f"{other.path} is the file of callbacks[{first}] already; leave one of them out, "
                "or give each a file of its own",
            )


def _refuse_rivals(callbacks: list[Any]) -> None:
    """Refuse two that put weights of their own in place at the end: the last would win unseen."""
    setting = [
        (place, callback)
        for place, callback in enumerate(callbacks)
        if getattr(callback, "sets_weights", False)
    ]
    if len(setting) > 1:
        (first, one), (second, other) = setting[:2]
        kinds = [getattr(callback, "kind", type(callback).__name__) for callback in (one, other)]
        raise ConfigError(
            f"callbacks[{second}]",
            f"{kinds[1]} puts weights of its own in place at the end of the run, and so does "
            f"{kinds[0]}, callbacks[{first}]; leave one of them out, or where it can do without, "
            "tell it so: early_stopping(keep_best=False) just stops",
        )


def _check(manager: pluggy.PluginManager, callback: object, where: str) -> None:
    """Refuse what has no hook, a misspelt one, and one that misses its marker."""
    hooks = [name for name in dir(callback) if name.startswith("mlpk_")]
    if isinstance(callback, type) and hooks:
        name = callback.__name__
        call = f"{getattr(callback, 'kind', name)}(...)"
        problem = f"found the class {name}; call it to make an object of it: {call}"
        raise ConfigError(where, problem)
    if not hooks:
        problem = f"wanted an object with hooks (mlpk_epoch_end, ...), {ADVICE}; found "
        raise ConfigError(where, problem + shown(callback))
    for name in hooks:
        if name not in HOOKS:
            problem = f"there is no such hook, there are {', '.join(HOOKS)}.{nearest(name, HOOKS)}"
            raise ConfigError(f"{where}.{name}", problem)
        if manager.parse_hookimpl_opts(callback, name) is None:
            problem = "is not marked as a hook: put @mlpk.hookimpl on it"
            raise ConfigError(f"{where}.{name}", problem)
        arguments = inspect.signature(getattr(callback, name)).parameters.values()
        wanted = [argument.name for argument in arguments if argument.default is argument.empty]
        if wanted not in ([], ["fit"]):
            problem = f"a hook gets one argument, called fit; this one wants {', '.join(wanted)}"
            raise ConfigError(f"{where}.{name}", problem)
