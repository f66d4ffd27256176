"""Walks through trees, and what they find."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk_schemas.tree import MAX_DEPTH, Walk, is_plain

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=80
)


def every_value(tree: Any) -> list[Any]:
    """Return a tree and all that stands in it, by recursion."""
    inside = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return [tree, *(value for item in inside for value in every_value(item))]


def nested(depth: int, innermost: Any) -> Any:
    for _ in range(depth - 1):
        innermost = [innermost]
    return innermost


@given(TREES)
def test_a_walk_meets_every_value_once(tree: Any) -> None:
    met = [id(value) for batch in Walk(tree) for value in batch.values]
    assert sorted(met) == sorted(map(id, every_value(tree)))


def test_a_batch_is_of_one_depth_and_knows_its_types() -> None:
    tree = {"a": [1, "x"], "b": {"c": 2.5}}
    batches = list(Walk(tree))
    assert [batch.depth for batch in batches] == [1, 2, 3]
    assert [batch.values for batch in batches] == [[tree], [[1, "x"], {"c": 2.5}], [2.5, 1, "x"]]
    assert batches[1].tables == [{"c": 2.5}]
    assert batches[1].lists == [[1, "x"]]
    assert batches[1].keys() == ["c"]
    assert batches[2].kinds == {float, int, str}
    assert batches[2].of_type(int) == [1]


@pytest.mark.parametrize("place", [0, 4095, 4096, 9_999])
def test_the_path_leads_to_the_value(place: int) -> None:
    culprit = object()
    lists = [[[0], {"k": [1]}] for _ in range(10_000)]
    lists[place][1]["k"].append(culprit)
    walk = Walk({"a": None, "b": lists})
    for batch in walk:
        if object in batch.kinds:
            assert walk.where(batch.of_type(object)[0]) == f"b[{place}][1].k[1]"
            return
    raise AssertionError


def test_a_walk_that_never_ends_can_be_left() -> None:
    endless: list[Any] = []
    endless += [endless, endless]
    depths = []
    for batch in Walk(endless):
        depths.append(batch.depth)
        if batch.depth == 200:
            break
    assert depths == list(range(1, 201))


@pytest.mark.parametrize(
    "tree",
    [None, True, -(2**63), 2**64 - 1, 0.5, "é", [], {}, {"a": [{}, [None]]}, nested(MAX_DEPTH, 0)],
)
def test_plain_data_are_plain(tree: Any) -> None:
    assert is_plain(tree)


@pytest.mark.parametrize(
    "value",
    [b"", (1,), {1}, -(2**63) - 1, 2**64, nan, inf, "\ud800", {1: 0}, {"\udfff": 0}, {b"": 0}],
)
def test_other_data_are_not(value: Any) -> None:
    for tree in (value, [0, value], {"a": 1, "b": [value]}):
        assert not is_plain(tree)


def test_33_levels_are_too_many() -> None:
    assert not is_plain(nested(MAX_DEPTH + 1, 0))
