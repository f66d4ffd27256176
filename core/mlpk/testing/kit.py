"""Every check of a family, for every example of every kind that a distribution brings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any

from mlpk import catalog
from mlpk.errors import PluginError, listing
from mlpk.example import Example
from mlpk.implementation import Implementation
from mlpk.installed import GROUP, is_name, normalised
from mlpk.record import IMPLEMENTATIONS, Brought, Record
from mlpk.target import target
from mlpk.testing import (
    callbacks,
    going_on,
    implementations,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from mlpk.testing.case import Case, Check
from mlpk.testing.implemented import Implemented, implemented
from mlpk.testing.inapplicable import InapplicableError
from mlpk.testing.known import declared
from mlpk.testing.pairs import draws_a_pair

__all__ = ["CHECKS", "Case", "cases", "conformance"]


def nothing_is_checked(_: Example) -> None:
    """What may have to load its data, or may do anything at all, is left alone, and counted."""
    raise InapplicableError("the kit has no checks for data sets and commands")


def migrations_are_not_checked(_: Example) -> None:
    """Files of each earlier schema are read; none is here, so that this is left alone, and counted."""
    raise InapplicableError(
        "no file of an earlier schema is here: keep one of each in your tests, and load it"
    )


def its_kind_is_not_here(_: Implementation) -> None:
    """The kind that is implemented is active, so that there are examples of it."""
    raise InapplicableError("the kind that it implements is of a plugin that is not active here")


def some_example_is_served(examples: Sequence[Implemented]) -> None:
    """Some example of the kind is served, in one dtype at least, so that something is checked."""
    assert any(each.is_served for each in examples), (
        "serves() leaves every example of the kind to the plain implementation, so that nothing of "
        "this one is checked"
    )


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
PAIRS = ("losses", "metrics")  # what takes a prediction and a target


def cases(dist: str, known: Mapping[str, str] | None = None) -> list[Case]:
    """Return every check on everything that a distribution brings; `known` as in `conformance`."""
    current = catalog.current()
    dist = dist if dist == catalog.LOCAL else normalised(dist)
    brought = [item for item in current.brought if item.dist == dist]
    if not brought:
        records = [record for record in current.records if record.dist == dist]
        active = listing(record.dist for record in current.records if record.state == "active")
        problem = f"no active plugin is called '{dist}'{_why_none(dist, records)}"
        raise PluginError(f"{problem}. Active are: {active}", dist)
    made = [case for item in brought for case in _cases(item)]
    return declared(made, known or {})


def _cases(item: Brought) -> Iterator[Case]:
    if item.family == IMPLEMENTATIONS:
        kind = target(catalog.current(), item.thing)
        if kind is None:
            yield Case(item.id, 0, its_kind_is_not_here, item.thing, item.family)
            return
        examples: Sequence[Any] = implemented(item, kind)
        yield Case(item.id, 0, some_example_is_served, examples, item.family)
        checks = implementations.CHECKS[kind.family]
    else:
        checks, examples = CHECKS.get(item.family, NO_CHECKS), _examples(item)
    for number, example in enumerate(examples):
        for check in (*checks, *_migrating(item, number)):
            yield Case(item.id, number, check, example, item.family)


def _why_none(dist: str, records: Sequence[Record]) -> str:
    """Return why a distribution brings nothing, to follow its name in a sentence."""
    if records:
        return f": it {records[0].fate}: {records[0].reason}"
    if is_name(dist) and any(metadata.distributions(name=dist)):
        return f": {dist} is installed, but has no entry point in the group '{GROUP}'"
    return ", and none is installed"


def _migrating(item: Brought, number: int) -> tuple[Check, ...]:
    """Return what is said, once a kind, of migrations."""
    migrates = number == 0 and getattr(item.thing, "migrations", None)
    return (migrations_are_not_checked,) if migrates else ()


def _examples(item: Brought) -> list[Example]:
    if item.family not in CHECKS:
        return [Example(item.thing)]
    if item.family == "callbacks":
        return list(callbacks.examples(item.thing))
    examples = list(item.thing.examples())
    if not examples:
        raise PluginError(
            f"'{item.id}' has no examples, so that nothing of it is checked", item.dist
        )
    if item.family in PAIRS and any(not draws_a_pair(example) for example in examples):
        raise PluginError(
            f"'{item.id}' has no examples of a prediction and a target, so that nothing of it is "
            "checked: `examples` has to yield Example(cls(), draw=...), where draw(rng, n) gives "
            "both",
            item.dist,
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
