"""A case: one check on one example, and what came of it."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable
from time import perf_counter
from typing import Any, Literal, TypeAlias

import attrs

from mlpk.choice import PLAIN
from mlpk.errors import PluginError, PortabilityWarning
from mlpk.preference import use
from mlpk.testing.inapplicable import InapplicableError

__all__ = ["Case", "Check", "Outcome"]

# A check takes an example; that of an implementation takes it with the implementation and a dtype.
Check = Callable[[Any], None]
State: TypeAlias = Literal["passed", "skipped", "known", "failed"]


@attrs.frozen
class Outcome:
    """What came of a case: `message` says why it was skipped, is known to fail, or failed."""

    case: Case
    state: State
    message: str = ""
    traceback: str = ""
    seconds: float = 0.0


@attrs.frozen
class Case:
    """One check on one example of a kind, by the kind's id and the number of the example.

    `known` is why it is known to fail, "" if it is not.
    """

    kind: str
    number: int
    check: Check
    example: Any
    family: str
    known: str = ""

    @property
    def wants(self) -> str:
        """What has to hold, in a sentence."""
        return " ".join((self.check.__doc__ or "").split())

    @property
    def names(self) -> tuple[str, ...]:
        """What may stand for this case where failures are declared; the first stands for it alone."""
        check, short = self.check.__name__, self.kind.rpartition(":")[2]
        return (
            str(self),
            f"{self.kind}-{check}",
            f"{short}-{self.number}-{check}",
            f"{short}-{check}",
        )

    def run(self) -> str:
        """Raise `AssertionError`, or what the plugin raised; return why it does not apply, or ""."""
        try:
            with warnings.catch_warnings(), use(PLAIN):  # a kind is checked for itself
                warnings.simplefilter("ignore", PortabilityWarning)  # its files stay with it
                self.check(self.example)
        except InapplicableError as why:
            return str(why)
        return ""

    def outcome(self) -> Outcome:
        """Run, and return what came of it; a known failure that is none has failed."""
        started = perf_counter()
        state: State
        text = ""
        try:
            message = self.run()
            state = "skipped" if message else "passed"
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is its failure
            state, message, text = "failed", _said(error), traceback.format_exc()
        if self.known and state == "failed":
            state, message = "known", self.known
        elif self.known:
            state, message = "failed", self.contradicted(message)
        return Outcome(self, state, message, text, perf_counter() - started)

    def contradicted(self, why_skipped: str = "") -> str:
        """Return what to say of a known failure that did not fail."""
        found = f"does not apply ({why_skipped})" if why_skipped else "passes"
        return f"declared to fail ({self.known}), it {found}: take the declaration out"

    def __str__(self) -> str:
        return f"{self.kind}-{self.number}-{self.check.__name__}"


def _said(error: Exception) -> str:
    said = str(error).strip()
    spoken = isinstance(error, AssertionError | PluginError)  # the latter by the node
    return said if spoken and said else f"{type(error).__name__}: {said}"
