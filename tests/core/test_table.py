from __future__ import annotations

import pytest

from mlpk.table import size, table


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table(("name", "n"), [("a", "1"), ("longer", "12,345")], {"n"}) == (
        "name         n\n------  ------\na            1\nlonger  12,345"
    )


def test_totals_stand_below_a_rule_of_their_own() -> None:
    assert table(("a", "b"), [("x", "y")], totals=("total", "")) == (
        "a      b\n-----  -\nx      y\n-----  -\ntotal"
    )


def test_no_rows_leave_the_head() -> None:
    assert table(("a", "bc"), []) == "a  bc\n-  --"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (3 * 2**20, "3.0 MiB"),
        (2**30, "1.0 GiB"),
        (2**40, "1024.0 GiB"),
    ],
)
def test_sizes_come_in_their_units(count: int, text: str) -> None:
    assert size(count) == text
