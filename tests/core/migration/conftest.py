"""A third party whose releases come and go. The tests import its plugin from beside them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from mlpk import catalog

sys.path.append(str(Path(__file__).parent))

import acme_releases

Acme = Callable[[Any, str], AbstractContextManager[None]]
Release = Callable[[str], AbstractContextManager[None]]
RELEASES = {"1.0": acme_releases.FIRST, "2.0": acme_releases.LATER}


@pytest.fixture
def of_acme(beside: Callable[..., AbstractContextManager[None]]) -> Acme:
    """Return what lets kinds be active for a while, as those of a release of acme."""

    def for_a_while(things: Any, version: str) -> AbstractContextManager[None]:
        brought = [catalog.Brought(thing.family, thing.kind, "acme", thing) for thing in things]
        return beside(brought, [catalog.Record("acme", version, "active", 0.0, ())])

    return for_a_while


@pytest.fixture
def release(of_acme: Acme) -> Release:
    """Return what makes a release of acme active for a while."""
    return lambda version: of_acme(RELEASES[version], version)
