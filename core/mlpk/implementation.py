"""A faster implementation of an existing kind: plain functions, by the plugin that brings them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from inspect import Parameter
from typing import TYPE_CHECKING, Any

import attrs

from mlpk.errors import ConfigError, shown

if TYPE_CHECKING:
    from mlpk.kind import Kind

__all__ = ["METHODS", "Implementation"]

# The families whose kinds may be implemented, and the methods that are taken over.
METHODS = {
    "layers": ("forward", "backward"),
    "losses": ("forward", "backward"),
    "optimizers": ("update",),
}


@attrs.frozen(eq=False)
class Implementation:
    """Functions that compute what the methods of a kind compute, faster.

    Each takes the instance first, then exactly what its method takes: of a layer
    `forward(layer, arrays, ctx, *inputs)` and `backward(layer, arrays, ctx, saved, doutput,
    grads)`, of a loss `forward(loss, ctx, prediction, target, weight)` and `backward(loss, ctx,
    saved)`, of an optimizer `update(optimizer, param, grad, slots, step)`, which gets the flat
    vectors of an elementwise rule in whole runs.

    `kind` is a short name, or an id, "distribution:kind". `serves(instance, shapes, dtype)` tells
    where it applies; without it that is everywhere. `shapes` are those of a layer's inputs without
    the batch axis (None is an unknown length), for a loss that of the output alone, for an
    optimizer none; `dtype` is the network's.
    """

    kind: str
    forward: Callable[..., Any] | None = attrs.field(default=None, kw_only=True)
    backward: Callable[..., Any] | None = attrs.field(default=None, kw_only=True)
    update: Callable[..., Any] | None = attrs.field(default=None, kw_only=True)
    serves: Callable[..., bool] | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.kind, str) or not self.kind:
            raise ConfigError(
                "Implementation", f"wanted the name of a kind, found {shown(self.kind)}"
            )
        for name in ("forward", "backward", "update", "serves"):
            given = getattr(self, name)
            if given is not None and not callable(given):
                raise ConfigError(self._at(name), f"wanted a function, found {shown(given)}")
        if self.given not in METHODS.values():
            wanted = "forward= and backward= for a layer or a loss, or update= for an optimizer"
            raise ConfigError(self._at(), f"wanted {wanted}, found {_listed(self.given)}")
        if self.serves is not None and not _takes(self.serves, 3):
            found = inspect.signature(self.serves)
            problem = f"wanted a function of (instance, shapes, dtype), found one of {found}"
            raise ConfigError(self._at("serves"), problem)

    @property
    def given(self) -> tuple[str, ...]:
        """The methods that it takes over."""
        names = ("forward", "backward", "update")
        return tuple(name for name in names if getattr(self, name) is not None)

    def check(self, kind: type[Kind]) -> None:
        """Refuse functions that cannot be called as the methods of this class are."""
        wanted = METHODS[kind.family]
        if self.given != wanted:
            problem = f"wanted {_listed(wanted)}, as it is one of the {kind.family}"
            raise ConfigError(self._at(), f"{problem}; found {_listed(self.given)}")
        for name in wanted:
            method, function = inspect.signature(getattr(kind, name)), getattr(self, name)
            for count in _counts(method, optional=kind.family == "layers"):
                if not _takes(function, count):
                    raise ConfigError(
                        self._at(name),
                        f"wanted a function of what {kind.__name__}.{name} takes, "
                        f"{_without_types(method)}, found one of "
                        f"{_without_types(inspect.signature(function))}",
                    )

    def _at(self, name: str = "") -> str:
        return f"Implementation('{self.kind}'){name and '.'}{name}"


def _listed(names: Collection[str]) -> str:
    return " and ".join(f"{name}=" for name in names) or "none of them"


def _takes(function: Callable[..., Any], count: int) -> bool:
    """Tell whether a function can be called with so many arguments, as far as Python knows."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of some that are written in C
        return True
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def _counts(method: inspect.Signature, *, optional: bool) -> set[int]:
    """Return how many arguments, the instance among them, a method may be called with.

    A layer's optional inputs may be left out; a loss is always handed its weights, or None.
    """
    given = method.parameters.values()
    places = [each for each in given if each.kind is Parameter.POSITIONAL_OR_KEYWORD]
    more = 2 * any(each.kind is Parameter.VAR_POSITIONAL for each in given)
    least = [each for each in places if each.default is Parameter.empty] if optional else places
    return {len(least) + more // 2, len(places) + more}


def _without_types(signature: inspect.Signature) -> str:
    names = [each.replace(annotation=Parameter.empty) for each in signature.parameters.values()]
    return str(inspect.Signature(names))
