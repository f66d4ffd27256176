"""The checks of schedules: what is right passes, and each planted fault fails the one made for it."""

from typing import ClassVar

import pytest

from mlpk import Schedule, define


@define
class Ramp(Schedule):
    kind: ClassVar[str] = "ramp"

    start: float = 0.1

    def at(self, t):
        return self.start / (1 + t)


@define
class Whole(Schedule):
    kind: ClassVar[str] = "whole"

    def at(self, t):
        return 1


@define
class Counting(Schedule):
    """Depends on how often it was asked."""

    kind: ClassVar[str] = "counting"

    asked: ClassVar[list[int]] = []

    def at(self, t):
        self.asked.append(t)
        return 1.0 / len(self.asked)


@define
class Grows(Schedule):
    """Leaves what a float can hold."""

    kind: ClassVar[str] = "grows"

    def at(self, t):
        return 0.1 * 1.01**t


@define
class FromFirstAsked(Schedule):
    """Counts from the first time that it was asked about."""

    kind: ClassVar[str] = "from_first_asked"

    first: ClassVar[dict[int, int]] = {}

    def at(self, t):
        return float(1 + self.first.setdefault(id(self), len(self.first)))


FAULTS = {
    Grows: "rates_are_numbers",
    FromFirstAsked: "fields_are_all_there_is",
    Whole: "rates_are_numbers",
    Counting: "order_does_not_matter",
}


def test_what_is_right_passes(failed):
    assert failed(Ramp) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda kind: kind.kind)
def test_a_faulty_schedule_fails(failed, fault):
    assert FAULTS[fault] in failed(fault)
