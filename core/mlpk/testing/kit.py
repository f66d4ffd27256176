"""Every check of a family, for every example of every kind that a distribution brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from mlpk import catalog
from mlpk.errors import PluginError, listing
from mlpk.example import Example
from mlpk.testing import (
    going_on,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)

__all__ = ["Case", "cases", "conformance"]

Check = Callable[[Example], None]

CHECKS: Mapping[str, tuple[Check, ...]] = {
    "layers": (*layers.CHECKS, going_on.layer_goes_on_exactly),
    "losses": losses.CHECKS,
    "optimizers": (*optimizers.CHECKS, going_on.optimizer_goes_on_exactly),
    "initializers": initializers.CHECKS,
    "schedules": (*schedules.CHECKS, going_on.schedule_goes_on_exactly),
    "metrics": metrics.CHECKS,
    "regularizers": regularizers.CHECKS,
}


@attrs.frozen
class Case:
    """One check on one example. `run` raises `AssertionError`, or what the plugin raised."""

    kind: str
    number: int
    check: Check
    example: Example

    def run(self) -> None:
        self.check(self.example)

    def __str__(self) -> str:
        return f"{self.kind}-{self.number}-{self.check.__name__}"


def cases(dist: str) -> list[Case]:
    """Return every check that applies to what a distribution brings."""
    current = catalog.current()
    brought = [item for item in current.brought if item.dist == dist]
    if not brought:
        records = [record for record in current.records if record.dist == dist]
        why = (
            f": it is {records[0].state}\n{records[0].error}"
            if records
            else ", and none is installed"
        )
        known = listing(record.dist for record in current.records)
        raise PluginError(f"no active plugin is called '{dist}'{why}. Active are: {known}", dist)
    return [
        Case(item.id, number, check, example)
        for item in brought
        if item.family in CHECKS
        for number, example in enumerate(_examples(item))
        for check in CHECKS[item.family]
    ]


def _examples(item: catalog.Brought) -> list[Example]:
    examples = list(item.thing.examples())
    if not examples:
        raise PluginError(
            f"'{item.id}' has no examples, so that nothing of it is checked", item.dist
        )
    return examples


def conformance(dist: str) -> Callable[[Case], None]:
    """Return a pytest function, parametrised with every case of a distribution."""
    import pytest  # noqa: PLC0415 - needed by test files alone

    @pytest.mark.parametrize("case", cases(dist), ids=str)
    def test_conformance(case: Case) -> None:
        case.run()

    return test_conformance
