"""Which implementation computes: the one that is installed, the one that was chosen, or the plain."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from mlpk.errors import PluginError, PluginWarning, listing, nearest, told
from mlpk.record import IMPLEMENTATIONS, LOCAL, Brought

if TYPE_CHECKING:
    from mlpk.catalog import Catalog
    from mlpk.declaration import Shape
    from mlpk.kind import Kind

__all__ = ["PLAIN", "VARIABLE", "Choice", "by", "method"]

# The name of what the kinds themselves compute with.
PLAIN = "numpy"
VARIABLE = "MLPK_IMPLEMENTATION"
_told: set[str] = set()  # each conflict is told once in a process


class Choice:
    """What computes each kind of a catalog: by `preferred` names, or those in the environment.

    A kind goes to those of the named distributions that implement it, in their order; if none of
    them does, to the only one that does, unless "numpy" ends the names. Where several implement
    it and nobody chose, the plain implementation computes.
    """

    def __init__(self, kinds: Catalog, preferred: Sequence[str] | None = None) -> None:
        dists = [item.dist for item in kinds.brought if item.family == IMPLEMENTATIONS]
        self._kinds = kinds
        self.names = (PLAIN, *dict.fromkeys(dists))
        if preferred is None:
            listed = re.findall(r"[^\s,]+", os.environ.get(VARIABLE, ""))
            preferred = self.checked(listed, VARIABLE)
        self._preferred = preferred
        self._rivals = kinds.implementations
        self._asked = {kind: self._in_order(items) for kind, items in self._rivals.items()}

    def of(
        self, instance: Kind, shapes: Sequence[Shape | None], dtype: DTypeLike
    ) -> Brought | None:
        """Return what computes an instance that stands there, None for the plain implementation."""
        kind = type(instance)
        if kind not in self._asked or None in shapes:
            return None
        if not self._asked[kind]:
            self._tell_conflicts()
        asked = (each for each in self._asked[kind] if _serves(each, instance, shapes, dtype))
        return next(asked, None)

    def named(self, computing: Iterable[Brought | None]) -> str:
        """Return what computes, for people and files: "numpy", or the distributions beside it."""
        dists = {item.dist for item in computing if item is not None}
        records = {record.dist: record.named for record in self._kinds.records}
        return ", ".join(records.get(dist, dist) for dist in sorted(dists)) or PLAIN

    def in_force(self, item: Brought) -> bool:
        """Tell whether an implementation is asked for the instances of its kind."""
        return any(item in asked for asked in self._asked.values())

    def remark(self, item: Brought) -> str:
        """Return why an implementation is not in force, or not everywhere; "" if it is."""
        kind = next((kind for kind, rivals in self._rivals.items() if item in rivals), None)
        if kind is None:
            return f"'{item.kind}' is not active"
        asked = [each.dist for each in self._asked[kind]]
        if item.dist in asked:
            before = asked[: asked.index(item.dist)]
            return f"where {' and '.join(before)} does not serve" if before else ""
        if asked or PLAIN in self._preferred:
            return f"'{(asked or [PLAIN])[0]}' is preferred"
        others = listing({each.dist for each in self._rivals[kind]} - {item.dist})
        return f"{others} has it too, and nobody chose: mlpk.use or {VARIABLE} does"

    def checked(self, names: Sequence[str], where: str) -> tuple[str, ...]:
        """Return names as they are compared; refuse those that nothing here goes by."""
        from mlpk.installed import normalised  # noqa: PLC0415 - a third of the time of `import mlpk`

        found = tuple(name if name == LOCAL else normalised(name) for name in names)
        for name in found:
            if name not in self.names:
                raise PluginError(f"{where} names '{name}', {self._why_not(name)}", name)
        if PLAIN in found[:-1]:
            problem = f"'{PLAIN}' implements every kind: what comes after it is never asked"
            raise PluginError(f"{where}: {problem}; put it last")
        return found

    def _why_not(self, name: str) -> str:
        for record in self._kinds.records:
            if record.dist == name and record.state != "active":
                return f"but the plugin {record.named} {record.fate}: {record.reason}"
        there = f"There are: {', '.join(self.names)}"
        return f"but no plugin of that name implements anything.{nearest(name, self.names)} {there}"

    def _in_order(self, rivals: Sequence[Brought]) -> list[Brought]:
        named = [item for name in self._preferred for item in rivals if item.dist == name]
        if named or PLAIN in self._preferred or len(rivals) > 1:
            return named
        return list(rivals)

    def _tell_conflicts(self) -> None:
        """Warn, once, of the kinds that several distributions implement while nobody chose."""
        if PLAIN in self._preferred:
            return
        kinds = [kind for kind, asked in self._asked.items() if not asked]
        dists = sorted({item.dist for kind in kinds for item in self._rivals[kind]})
        message = (
            f"{' and '.join(dists)} implement the same kinds ({listing(k.kind for k in kinds)}), "
            f"and nobody chose, so that neither does and '{PLAIN}' computes them: prefer one with "
            f"mlpk.use('{dists[0]}') or {VARIABLE}={dists[0]}"
        )
        if message not in _told:
            warnings.warn(message, PluginWarning, stacklevel=2)
            _told.add(message)


def method(instance: Kind, found: Brought | None, name: str) -> Callable[..., Any]:
    """Return a method of an instance, or the function that computes it instead."""
    if found is None:
        return getattr(instance, name)  # type: ignore[no-any-return] # a method
    return partial(getattr(found.thing, name), instance)


def by(found: Brought | None) -> str:
    """Return whose function computes, to follow the name of a kind in a sentence."""
    return "" if found is None else f", implemented by {found.dist}"


def _serves(
    item: Brought, instance: Kind, shapes: Sequence[Shape | None], dtype: DTypeLike
) -> bool:
    """Ask an implementation whether it serves an instance where it stands."""
    serves = item.thing.serves
    try:
        return serves is None or bool(serves(instance, tuple(shapes), np.dtype(dtype)))
    except Exception as error:
        problem = f"serves() of the implementation of {item.kind} by {item.dist}: {told(error)}"
        raise PluginError(problem, item.dist) from error
