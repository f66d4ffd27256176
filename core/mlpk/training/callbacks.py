"""The callbacks of a run: checked, in order, and called."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pluggy

from mlpk import catalog, hookspecs
from mlpk.errors import ConfigError, nearest, shown
from mlpk.streams import stream

if TYPE_CHECKING:
    from mlpk.training.fit import Fit

__all__ = ["Callbacks", "Moment"]

Moment: TypeAlias = Literal["fit_begin", "batch_end", "epoch_end", "fit_end"]
HOOKS = ("mlpk_fit_begin", "mlpk_batch_end", "mlpk_epoch_end", "mlpk_fit_end")
ADVICE = "such as mlpk.callbacks.early_stopping(patience=3)"


class Callbacks:
    """The callbacks of one run, in the order in which they run; the checkpoint comes last.

    `progress` is True for the callback of that name, or one of the caller's; `checkpoint` is a
    path. A callback that saves to that very path takes the place of the one made from it.
    """

    def __init__(
        self, given: Iterable[Any], progress: Any, checkpoint: str | PathLike[str] | None
    ) -> None:
        self.listed = _listed(given, progress, checkpoint)
        self._manager = pluggy.PluginManager("mlpk")
        self._manager.add_hookspecs(hookspecs)
        for place, callback in enumerate(self.listed):
            where = "progress" if callback is progress else f"callbacks[{place}]"
            _check(self._manager, callback, where)
            if any(callback is other for other in self.listed[:place]):
                raise ConfigError(where, "this object is listed twice")
        for callback in reversed(self.listed):  # pluggy calls the last registered first
            self._manager.register(callback)
        self._moment: Moment = "fit_begin"
        self._rngs: dict[str, np.random.Generator] = {}
        self._watched = {
            hook: bool(getattr(self._manager.hook, hook).get_hookimpls()) for hook in HOOKS
        }

    def tell(self, moment: Moment, fit: Fit) -> None:
        """Call a hook of every callback that has it."""
        hook = f"mlpk_{moment}"
        if self._watched[hook]:
            self._moment = moment
            self._rngs.clear()
            getattr(self._manager.hook, hook)(fit=fit)

    def rng(self, seed: int, name: str, step: int) -> np.random.Generator:
        """Return the generator of (seed, name, step) for the hook that is being called."""
        held = self._rngs.get(name)
        if held is None:
            held = self._rngs[name] = stream(seed, f"callback/{self._moment}/{name}", step)
        return held

    def stateful(self) -> Iterator[tuple[str, Any]]:
        """Yield (name, callback) of those that keep state; a name is the kind, numbered if need be."""
        taken = {"data", "history", "running"}
        for callback in self.listed:
            if all(callable(getattr(callback, name, None)) for name in ("state", "restore")):
                stem = getattr(callback, "kind", type(callback).__name__)
                name, number = stem, 0
                while name in taken:
                    number += 1
                    name = f"{stem}_{number}"
                taken.add(name)
                yield name, callback


def _listed(given: Any, progress: Any, checkpoint: Any) -> list[Any]:
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise ConfigError("callbacks", f"wanted a list of objects, {ADVICE}; found {shown(given)}")
    listed = [_made(item) for item in given]
    if progress is True:
        listed.append(_made("progress"))
    elif progress not in (False, None):
        listed.append(progress)
    if checkpoint is not None:
        made = catalog.current().find("callbacks", "checkpoint")(checkpoint)
        if not any(isinstance(other, type(made)) and other.path == made.path for other in listed):
            listed.append(made)
    return listed


def _made(given: Any) -> Any:
    """Return a callback of a registered name, made with its defaults; others as they are."""
    return catalog.current().find("callbacks", given)() if isinstance(given, str) else given


def _check(manager: pluggy.PluginManager, callback: object, where: str) -> None:
    """Refuse what has no hook, a misspelt one, and one that misses its marker."""
    hooks = (
        [] if isinstance(callback, type) else [n for n in dir(callback) if n.startswith("mlpk_")]
    )
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
