"""What every schedule has to keep."""

from __future__ import annotations

from math import isfinite

from mlpk.example import Example
from mlpk.schedule import Schedule
from mlpk_schemas.records import values

__all__ = ["CHECKS"]

# The first, those about the turns of small examples, and such as only very long runs reach.
TIMES = (*range(200), *(10**power for power in range(3, 13)))


def rates_are_numbers(example: Example) -> None:
    """Each rate is a finite Python float from 0."""
    for t in TIMES:
        rate = _schedule(example).at(t)
        assert isinstance(rate, float), f"at({t}) is a {type(rate).__name__}"
        assert isfinite(rate), f"at({t}) is {rate}"
        assert rate >= 0, f"at({t}) is {rate}"


def order_does_not_matter(example: Example) -> None:
    """A rate depends on t alone, not on what was asked before."""
    schedule = _schedule(example)
    forwards = [schedule.at(t) for t in TIMES]
    assert [schedule.at(t) for t in reversed(TIMES)] == forwards[::-1]


def fields_are_all_there_is(example: Example) -> None:
    """A schedule made anew of the same fields, as from a file, gives the same rates."""
    schedule = _schedule(example)
    again = type(schedule)(**values(schedule))
    assert [again.at(t) for t in TIMES] == [schedule.at(t) for t in TIMES]


CHECKS = (rates_are_numbers, order_does_not_matter, fields_are_all_there_is)


def _schedule(example: Example) -> Schedule:
    assert isinstance(example.instance, Schedule)
    return example.instance
