"""What fails of a kind of a test's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import mlpk
from mlpk import PluginError
from mlpk.testing import Case, cases

Failed = Callable[..., set[str]]


@pytest.fixture
def failed(own_catalog: None) -> Failed:
    """Return what tells the checks that kinds fail, by name."""
    del own_catalog

    def run(*kinds: type) -> set[str]:
        for kind in kinds:
            mlpk.plugins.add(kind)
        return {case.check.__name__ for case in cases("_local") if _fails(case)}

    return run


def _fails(case: Case) -> bool:
    try:
        case.run()
    except (
        AssertionError,
        ValueError, TypeError, AttributeError, IndexError, ArithmeticError, RuntimeWarning,
        PluginError,
    ):  # fmt: skip # or what the plugin raised
        return True
    return False
