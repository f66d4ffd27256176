"""Faults planted in implementations that are right: for each, the check that has to find it.

Each check of an implementation stands in the table, so that each is seen to fail.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import mlpk
from mlpk import Implementation, catalog
from mlpk.testing import Outcome, cases
from mlpk.testing.implementations import CHECKS

HERE = Path(__file__).parent
FAULTS = tomllib.loads((HERE / "implementation_faults.toml").read_text("utf-8"))["fault"]
SUBJECTS = {
    "layers": ("dense", "relu", "maximum", "embedding"),
    "losses": ("mean_squared_error",),
    "optimizers": ("momentum",),
}
SLIPS = ("NameError", "AttributeError", "KeyError", "TypeError", "ImportError")
Outcomes = Callable[..., list[Outcome]]


@pytest.fixture
def outcomes(own_catalog: None, monkeypatch: pytest.MonkeyPatch) -> Outcomes:
    """Return what runs checks on a subject whose source was changed."""
    del own_catalog

    def run(where: str, changes: list[list[str]], check: str | None = None) -> list[Outcome]:
        source = (HERE / "subjects" / f"{where}.py").read_text("utf-8")
        for old, new in changes:
            assert old in source, f"{where} has changed: plant this fault elsewhere"
            source = source.replace(old, new)
        module = ModuleType("planted")
        monkeypatch.setitem(sys.modules, "planted", module)
        exec(compile(source, where, "exec"), vars(module))  # noqa: S102 - a source of these tests
        add(module.IMPLEMENTATION)
        made = [case for case in cases("_local") if check in (None, case.check.__name__)]
        assert made, f"{check} is no check of an implementation of {where}"
        return [case.outcome() for case in made]

    return run


def add(*given: Implementation) -> None:
    class Plugin:
        @mlpk.hookimpl
        def mlpk_implementations(self) -> list[Implementation]:
            return list(given)

    mlpk.plugins.add(Plugin())


def failed(found: list[Outcome]) -> set[str]:
    for outcome in found:  # by what was planted, not by a slip in the planting
        assert outcome.state != "failed" or not outcome.message.startswith(SLIPS), outcome.traceback
    return {outcome.case.check.__name__ for outcome in found if outcome.state == "failed"}


@pytest.mark.parametrize("family", SUBJECTS)
def test_what_is_right_passes_and_every_check_applies(outcomes: Outcomes, family: str) -> None:
    passed = set()
    for where in SUBJECTS[family]:
        found = outcomes(where, [])
        assert failed(found) == set()
        passed |= {outcome.case.check.__name__ for outcome in found if outcome.state == "passed"}
    assert passed == {*(check.__name__ for check in CHECKS[family]), "some_example_is_served"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault['where']}: {fault['what']}")
def test_a_fault_is_found_by_its_check(outcomes: Outcomes, fault: dict[str, Any]) -> None:
    found = outcomes(fault["where"], fault["changes"], fault["check"])
    assert failed(found) == {fault["check"]}


@pytest.mark.usefixtures("three_threads")
def test_threads_of_blas_that_stay_changed_are_found(outcomes: Outcomes) -> None:
    changes = [
        ["HELD = {}", "from mlpk.blas import _openblas"],
        ["    rows = x.reshape(", "    _openblas().set(1)\n    rows = x.reshape("],
    ]
    found = outcomes("dense", changes, "process_is_left_alone")
    assert failed(found) == {"process_is_left_alone"}
    assert found[0].message == (
        "BLAS had 3 threads, and has now 1, in the whole process: set back what it had, in "
        "`finally`, or leave it"
    )


@pytest.mark.parametrize("family", SUBJECTS)
def test_each_check_is_seen_to_fail(family: str) -> None:
    planted = {fault["check"] for fault in FAULTS if fault["where"] in SUBJECTS[family]}
    names = {check.__name__ for check in CHECKS[family]}
    assert planted - {"some_example_is_served"} == names


def test_it_is_checked_in_each_dtype_and_what_is_not_served_is_counted(outcomes: Outcomes) -> None:
    changes = [["    return True", '    return _dtype == "float32" and _layer.bias']]
    found = outcomes("dense", changes)
    assert failed(found) == set()
    states = {}
    for outcome in found:
        if outcome.case.check.__name__ == "outputs_agree":
            states[repr(outcome.case.example)] = outcome.state, outcome.message
    told = [each for name, each in states.items() if "bias=True" in name and "float32" in name]
    assert told == [("passed", "")]
    others = [message for state, message in states.values() if state == "skipped"]
    assert others == ["serves() leaves it to the plain implementation"] * 3


def test_the_cases_are_named_after_the_distribution_and_the_kind() -> None:
    relu = mlpk.layers.relu
    held = catalog.current()
    add(Implementation("relu", forward=relu.forward, backward=relu.backward))
    made = cases("_local")
    catalog.swap(lambda _: held)
    assert [case.family for case in made] == ["implementations"] * len(made)
    assert str(made[0]) == "_local:relu-0-some_example_is_served"
    assert {case.number for case in made} == set(range(2 * len(list(relu.examples()))))
    assert len({str(case) for case in made}) == len(made)
    assert repr(made[1].example) == f"{next(relu.examples())!r} in float32"


def test_an_implementation_of_what_is_not_here_is_skipped(own_catalog: None) -> None:
    del own_catalog
    relu = mlpk.layers.relu
    add(Implementation("gone:relu", forward=relu.forward, backward=relu.backward))
    (case,) = cases("_local")
    assert case.outcome().state == "skipped"
    assert case.run() == "the kind that it implements is of a plugin that is not active here"


def test_a_kind_is_checked_for_itself_whatever_is_in_force(own_catalog: None) -> None:
    """What is wrong with an implementation is no failure of the kind."""
    del own_catalog
    relu = mlpk.layers.relu

    def forward(layer: Any, arrays: Any, ctx: Any, x: Any) -> Any:
        return -layer.forward(arrays, ctx, x)[0], None

    add(Implementation("relu", forward=forward, backward=relu.backward))
    before = catalog.current()
    for case in cases("mlpk"):
        if case.kind == "relu":
            assert case.outcome().state in ("passed", "skipped")
    assert catalog.current().preferred is before.preferred is None
    assert {case.outcome().state for case in cases("_local")} >= {"failed"}
