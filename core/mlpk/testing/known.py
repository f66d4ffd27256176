"""Failures that a plugin declares, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from mlpk.errors import ConfigError, nearest, shown
from mlpk.testing.case import Case

__all__ = ["declared"]


def declared(cases: Sequence[Case], known: Mapping[str, str]) -> list[Case]:
    """Return the cases, those that are known to fail with the reason.

    A key is "kind-check" for every example of a kind, or "kind-number-check" for one; the kind may
    be short. A name that no case has, and a reason that says nothing, are refused.
    """
    names = {name for case in cases for name in case.names}
    for name, reason in known.items():
        if name not in names:
            problem = f"wanted 'kind-check' or 'kind-number-check', and no case is called '{name}'"
            raise ConfigError("known", f"{problem}.{nearest(str(name), names)}")
        if not isinstance(reason, str) or not reason.strip():
            problem = f"wanted the reason why it fails, found {shown(reason)}"
            raise ConfigError(f"known['{name}']", problem)
    return [
        attrs.evolve(case, known=next((known[name] for name in case.names if name in known), ""))
        for case in cases
    ]
