"""`mlpk.use`: which implementations a program prefers."""

from __future__ import annotations

from collections.abc import Sequence

from mlpk import catalog
from mlpk.errors import ConfigError, shown

__all__ = ["Preference", "use"]


class Preference:
    """What is preferred from now on; as a context manager, until its end, and then what was before.

    It holds for the whole process, so that blocks of several threads may not overlap.
    """

    def __init__(self, names: Sequence[str] | None, before: Sequence[str] | None) -> None:
        self._names = names
        self._before = before

    def __enter__(self) -> None:
        if catalog.current().preferred != self._names:  # as it is in a second block
            _prefer(self._names)

    def __exit__(self, *_: object) -> None:
        _prefer(self._before)


def use(*names: str) -> Preference:
    """Prefer the implementations of these distributions, in their order; "numpy" are the plain ones.

    A kind that none of them implements keeps the only implementation that is installed, unless
    "numpy" stands last. Without names it is again as the environment says. Models that exist take
    to it with their next forward or update. `with mlpk.use("numpy"):` holds for a while.
    """
    for name in names:
        if not isinstance(name, str):
            raise ConfigError("mlpk.use", f"wanted names of distributions, found {shown(name)}")
    active = catalog.current()
    before = active.preferred
    # Asked of a choice that does not read the environment: it may name what is not there.
    chosen = active.preferring(()).choice.checked(names, "mlpk.use") if names else None
    _prefer(chosen)
    return Preference(chosen, before)


def _prefer(names: Sequence[str] | None) -> None:
    catalog.swap(lambda _: catalog.current().preferring(names))
