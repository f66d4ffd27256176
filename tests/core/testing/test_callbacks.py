"""The checks of callbacks: what is right passes, and each planted fault fails the one made for it."""

from typing import ClassVar

import pytest

import mlpk
from mlpk import Example, catalog, hookimpl
from mlpk.testing import cases


class Halves:
    """Halves the rate after each fifth batch, right unless a method is changed."""

    def __init__(self):
        self.batches = 0

    @hookimpl
    def mlpk_batch_end(self, fit):
        self.batches += 1
        if self.batches % 5 == 0:
            fit.lr_factor *= 0.5

    def state(self):
        return {"batches": self.batches}

    def restore(self, state):
        self.batches = state["batches"]


class Right(Halves):
    kind = "right"


class Shakes:
    """Draws from the run's generator: right."""

    kind = "shakes"

    @hookimpl
    def mlpk_batch_end(self, fit):
        fit.lr_factor = 0.5 + 0.5 * fit.rng("shake").random()


class WithExample(Halves):
    """Wants an argument, and gives it in its example: right."""

    kind = "with_example"

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    @classmethod
    def examples(cls):
        yield Example(cls(0.5))
        yield Example(cls(0.25))


class NoExample(Halves):
    kind = "no_example"

    def __init__(self, factor, *, floor):
        super().__init__()


class Forgets(Halves):
    """Restores nothing."""

    kind = "forgets"

    def restore(self, state):
        pass


class KeepsSilent:
    """Counts, and tells nobody."""

    kind = "keeps_silent"

    def __init__(self):
        self.batches = 0

    @hookimpl
    def mlpk_batch_end(self, fit):
        self.batches += 1
        fit.lr_factor = 1 / self.batches


class OnClass:
    kind = "on_class"
    batches: ClassVar[list[int]] = []

    @hookimpl
    def mlpk_batch_end(self, fit):
        self.batches.append(1)
        fit.lr_factor = 1 / len(self.batches)


class HalfState(Halves):
    kind = "half_state"
    restore = None


class Unmarked(Halves):
    kind = "unmarked"

    def mlpk_epoch_end(self, fit):
        pass


class NoHooks:
    kind = "no_hooks"


class OwnArgument(Halves):
    kind = "own_argument"

    @hookimpl
    def mlpk_epoch_end(self, run):
        pass


FAULTS = {
    Forgets: "run_goes_on_exactly",
    KeepsSilent: "run_goes_on_exactly",
    OnClass: "run_goes_on_exactly",
    HalfState: "hooks_are_heard",
    Unmarked: "hooks_are_heard",
    NoHooks: "hooks_are_heard",
    OwnArgument: "hooks_are_heard",
}


@pytest.fixture
def outcomes(own_catalog):
    """Return what gives the outcomes of callbacks of a distribution."""
    del own_catalog

    def run(*kinds):
        held = catalog.current()
        brought = [catalog.Brought("callbacks", kind.kind, "acme", kind) for kind in kinds]
        record = catalog.Record("acme", "1.0", "active", 0.0, ())
        catalog.swap(lambda _: catalog.Catalog([*held.brought, *brought], [*held.records, record]))
        return [case.outcome() for case in cases("acme")]

    return run


def test_what_is_right_passes(outcomes):
    found = outcomes(Right, Shakes, WithExample)
    assert {each.state for each in found} == {"passed"}
    assert len(found) == 2 * (1 + 1 + 2)


def test_what_cannot_be_made_is_skipped_and_told_why(outcomes):
    for outcome in outcomes(NoExample):
        assert outcome.state == "skipped"
        assert "without arguments (factor, floor), and has no examples()" in outcome.message


@pytest.mark.parametrize("fault", FAULTS, ids=lambda kind: kind.kind)
def test_a_faulty_callback_fails(outcomes, fault):
    OnClass.batches.clear()
    failed = {each.case.check.__name__ for each in outcomes(fault) if each.state == "failed"}
    assert FAULTS[fault] in failed


def test_those_of_mlpk_are_checked_and_say_nothing(capsys):
    made = [case for case in cases("mlpk") if case.family == "callbacks"]
    assert {case.kind for case in made} == set(mlpk.callbacks)
    assert {str(o.case) for o in (case.outcome() for case in made) if o.state != "passed"} == {
        "checkpoint-0-hooks_are_heard",
        "checkpoint-0-run_goes_on_exactly",
    }
    assert capsys.readouterr() == ("", "")
