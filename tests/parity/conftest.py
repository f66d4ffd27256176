"""How many configurations are compared: a sample in the plain run, many with `-m thorough`."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test, settings

HERE = Path(__file__).parent
SAMPLE, MANY = 25, 400


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let every comparison take part in a thorough run, over more configurations."""
    thorough = config.option.markexpr == "thorough"
    compared = settings(max_examples=MANY if thorough else SAMPLE, deadline=None)
    mine = [item for item in items if HERE in item.path.parents]
    for test in {item.obj for item in mine if isinstance(item, pytest.Function)}:
        if is_hypothesis_test(test):
            compared(test)
    for item in mine:
        if thorough:
            item.add_marker(pytest.mark.thorough)
