"""Every check of a family, for every example of every kind that a distribution brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlpk import catalog
from mlpk.errors import PluginError, listing
from mlpk.example import Example
from mlpk.installed import normalised
from mlpk.testing import (
    callbacks,
    going_on,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from mlpk.testing.case import Case, Check
from mlpk.testing.inapplicable import InapplicableError
from mlpk.testing.known import declared

__all__ = ["CHECKS", "Case", "cases", "conformance"]


def nothing_is_checked(_: Example) -> None:
    """What may have to load its data, or may do anything at all, is left alone, and counted."""
    raise InapplicableError("the kit has no checks for data sets and commands")


CHECKS: Mapping[str, tuple[Check, ...]] = {
    "layers": (*layers.CHECKS, going_on.layer_goes_on_exactly),
    "losses": losses.CHECKS,
    "optimizers": (*optimizers.CHECKS, going_on.optimizer_goes_on_exactly),
    "initializers": initializers.CHECKS,
    "schedules": (*schedules.CHECKS, going_on.schedule_goes_on_exactly),
    "metrics": metrics.CHECKS,
    "regularizers": regularizers.CHECKS,
    "callbacks": callbacks.CHECKS,
}
NO_CHECKS: tuple[Check, ...] = (nothing_is_checked,)


def cases(dist: str, known: Mapping[str, str] | None = None) -> list[Case]:
    """Return every check on everything that a distribution brings; `known` as in `conformance`."""
    current = catalog.current()
    dist = dist if dist == catalog.LOCAL else normalised(dist)
    brought = [item for item in current.brought if item.dist == dist]
    if not brought:
        records = [record for record in current.records if record.dist == dist]
        why = (
            f": it is {records[0].state}\n{records[0].error}"
            if records
            else ", and none is installed"
        )
        active = listing(record.dist for record in current.records if record.state == "active")
        raise PluginError(f"no active plugin is called '{dist}'{why}. Active are: {active}", dist)
    made = [
        Case(item.id, number, check, example, item.family)
        for item in brought
        for number, example in enumerate(_examples(item))
        for check in CHECKS.get(item.family, NO_CHECKS)
    ]
    return declared(made, known or {})


def _examples(item: catalog.Brought) -> list[Example]:
    if item.family not in CHECKS:
        return [Example(item.thing)]
    if item.family == "callbacks":
        return list(callbacks.examples(item.thing))
    examples = list(item.thing.examples())
    if not examples:
        raise PluginError(
            f"'{item.id}' has no examples, so that nothing of it is checked", item.dist
        )
    return examples


def conformance(dist: str, known: Mapping[str, str] | None = None) -> Callable[[Case], None]:
    """Return a pytest function, parametrised with every case of a distribution.

    `known` declares failures with their reasons: `{"kind-check": "why"}` for every example of a
    kind, "kind-number-check" for one. They are expected (xfail, strict): one that passes fails, and
    so does one that does not apply. A name that no case has is an error.
    """
    import pytest  # noqa: PLC0415 - needed by test files alone

    made = [
        pytest.param(
            case,
            id=str(case),
            # What pytest itself raises is no Exception, and so never the failure that was expected.
            marks=[pytest.mark.xfail(strict=True, raises=Exception, reason=case.known)]
            if case.known
            else [],
        )
        for case in cases(dist, known)
    ]

    @pytest.mark.parametrize("case", made)
    def test_conformance(case: Case) -> None:
        why = case.run()
        if why and case.known:
            pytest.fail(case.contradicted(why))
        if why:
            pytest.skip(f"{case.check.__name__}: {why}")

    return test_conformance
