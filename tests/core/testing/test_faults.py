"""Faults planted in the sources of kinds that are right: for each, the check that has to find it.

Each check of the kit stands in the table, so that each is seen to fail.
"""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mlpk import catalog
from mlpk.testing import cases
from mlpk.testing.kit import CHECKS

FAULTS = tomllib.loads(Path(__file__).with_name("faults.toml").read_text("utf-8"))["fault"]
SUBJECTS = sorted({fault["where"] for fault in FAULTS})
SLIPS = ("NameError", "AttributeError", "KeyError", "TypeError", "ImportError")
Failed = Callable[..., set[str]]


@pytest.fixture
def failed(own_catalog: None, monkeypatch: pytest.MonkeyPatch) -> Failed:
    """Return what runs checks on a kind whose source was changed, and tells those that failed."""
    del own_catalog

    def run(where: str, changes: list[list[str]], check: str | None = None) -> set[str]:
        family, kind = where.split(".")
        right = importlib.import_module(f"mlpk_plugins.{where}")
        source = Path(right.__file__ or "").read_text("utf-8")
        for old, new in changes:
            assert old in source, f"{where} has changed: plant this fault elsewhere"
            source = source.replace(old, new)
        module = ModuleType("planted")
        monkeypatch.setitem(sys.modules, "planted", module)
        exec(compile(source, where, "exec"), vars(module))  # noqa: S102 - a copy of our own source
        held = catalog.current()
        (thing,) = (
            each
            for each in vars(module).values()
            if getattr(each, "kind", None) == kind and each.__module__ == "planted"
        )
        brought = [*held.brought, catalog.Brought(family, kind, "planted", thing)]
        record = catalog.Record("planted", "1.0", "active", 0.0, ())
        catalog.swap(lambda _: catalog.Catalog(brought, [*held.records, record]))
        made = [case for case in cases("planted") if check in (None, case.check.__name__)]
        assert made, f"{check} is no check of the {family}"
        outcomes = [outcome for case in made if (outcome := case.outcome()).state == "failed"]
        for outcome in outcomes:  # by what was planted, not by a slip in the planting
            assert not outcome.message.startswith(SLIPS), outcome.traceback
        return {outcome.case.check.__name__ for outcome in outcomes}

    return run


@pytest.mark.parametrize("where", SUBJECTS)
def test_what_is_right_passes(failed: Failed, where: str) -> None:
    assert failed(where, []) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault['where']}: {fault['what']}")
def test_a_fault_is_found_by_its_check(failed: Failed, fault: dict[str, Any]) -> None:
    assert failed(fault["where"], fault["changes"], fault["check"]) == {fault["check"]}


@pytest.mark.parametrize("family", CHECKS)
def test_each_check_is_seen_to_fail(family: str) -> None:
    planted = {fault["check"] for fault in FAULTS if fault["where"].startswith(f"{family}.")}
    assert planted == {check.__name__ for check in CHECKS[family]}
