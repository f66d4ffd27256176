from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpk import ConfigError, ShapeError, UnknownArrayError
from mlpk.arrays import Arena, Named, frozen_view

SHAPES = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=2),
    st.lists(st.integers(0, 4), max_size=3).map(tuple),
    max_size=6,
)


@settings(deadline=None)
@given(SHAPES, st.sampled_from(["float32", "float64"]))
def test_the_vector_begins_at_a_line_of_the_cache(
    shapes: dict[str, tuple[int, ...]], dtype: str
) -> None:
    arena = Arena(shapes, dtype)
    assert arena.flat.size == sum(view.size for view in arena.views.values())
    if arena.flat.size:
        assert arena.flat.ctypes.data % 64 == 0
    assert not arena.flat.any()
    assert arena.flat.flags.c_contiguous


@settings(deadline=None)
@given(SHAPES)
def test_the_arrays_lie_end_to_end_in_one_vector(shapes: dict[str, tuple[int, ...]]) -> None:
    arena = Arena(shapes, "float64")
    assert list(arena.views) == list(arena.spans) == list(shapes)
    arena.flat[:] = np.arange(arena.flat.size)
    in_order = [arena.views[name].ravel() for name in shapes]
    assert np.concatenate([np.zeros(0), *in_order]).tolist() == list(range(arena.flat.size))
    for name, shape in shapes.items():
        view, (start, stop) = arena.views[name], arena.spans[name]
        assert view.shape == shape
        assert view.flags.c_contiguous
        assert np.shares_memory(view, arena.flat) or view.size == 0
        assert arena.flat[start:stop].tolist() == view.ravel().tolist()


@settings(deadline=None)
@given(SHAPES, st.data())
def test_runs_cover_the_named_arrays_and_nothing_else(
    shapes: dict[str, tuple[int, ...]], data: st.DataObject
) -> None:
    arena = Arena(shapes, "float32")
    names = data.draw(
        st.lists(st.sampled_from(sorted(shapes)), unique=True) if shapes else st.just([])
    )
    for name in names:
        arena.views[name].fill(1)
    runs = arena.runs(names)
    covered = np.zeros_like(arena.flat)
    for start, stop in runs:
        assert start < stop
        covered[start:stop] += 1
    assert np.array_equal(covered, arena.flat)
    assert all(stop < start for (_, stop), (start, _) in pairwise(runs))


def test_neighbours_make_one_run() -> None:
    arena = Arena({"a": (2, 3), "b": (4,), "c": (), "d": (0, 9), "e": (1,)}, "float32")
    assert arena.spans == {"a": (0, 6), "b": (6, 10), "c": (10, 11), "d": (11, 11), "e": (11, 12)}
    assert arena.runs(["b", "a"]) == [(0, 10)]
    assert arena.runs(["a", "c"]) == [(0, 6), (10, 11)]
    assert arena.runs(["c", "e"]) == [(10, 12)]
    assert arena.runs(["d"]) == arena.runs([]) == []
    assert arena.runs(list(arena.spans)) == [(0, 12)]


def test_another_of_the_same_layout_is_zero_and_its_own() -> None:
    arena = Arena({"a": (2, 3), "b": (4,)}, "float32")
    arena.flat.fill(7)
    other = arena.like()
    assert other.spans == arena.spans
    assert other.flat.dtype == np.float32
    assert not other.flat.any()
    assert not np.shares_memory(other.flat, arena.flat)


@pytest.fixture
def named() -> Named:
    """Return two arrays under their names."""
    views = {"dense/weight": np.zeros((2, 3)), "dense/bias": np.zeros(3)}
    return Named("params", views)


def test_named_arrays_are_a_mapping(named: Named) -> None:
    assert list(named) == ["dense/weight", "dense/bias"]
    assert len(named) == 2
    assert "dense/bias" in named
    assert "dense" not in named
    assert named.get("dense") is None
    assert repr(named) == "<params: dense/weight: float64[2, 3], dense/bias: float64[3]>"


def test_assigning_writes_into_the_array(named: Named) -> None:
    view = named["dense/weight"]
    named["dense/weight"] = [[1, 2, 3], [4, 5, 6]]
    assert view.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert named["dense/weight"] is view
    named["dense/bias"] += 2
    assert named["dense/bias"].tolist() == [2, 2, 2]


@pytest.mark.parametrize("value", [0, [1, 2], np.zeros((3, 2)), np.zeros((1, 2, 3)), "abc"])
def test_a_wrong_shape_is_refused_and_not_broadcast(named: Named, value: Any) -> None:
    with pytest.raises(ShapeError, match=r"^dense/weight: wanted shape \(2, 3\), found "):
        named["dense/weight"] = value
    assert not named["dense/weight"].any()


def test_an_array_that_cannot_be_written_says_so() -> None:
    named = Named("params", {"a/b": frozen_view(np.zeros(2))})
    with pytest.raises(ConfigError, match="mapped from a file, read-only; load it without mmap"):
        named["a/b"] = [1, 2]


def test_an_unknown_name_gets_the_nearest(named: Named) -> None:
    with pytest.raises(UnknownArrayError) as caught:
        named["dense/wight"]
    assert str(caught.value) == (
        "there is no array 'dense/wight' in params. Did you mean 'dense/weight'? "
        "There are: dense/bias, dense/weight"
    )
    assert isinstance(caught.value, KeyError)
    with pytest.raises(KeyError):
        named["nothing"] = 3


def test_a_frozen_view_shows_changes_and_takes_none() -> None:
    array = np.zeros(3)
    view = frozen_view(array)
    array[0] = 1
    assert view.tolist() == [1, 0, 0]
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 2
    assert array.flags.writeable


def test_more_memory_than_there_is_names_the_largest_array() -> None:
    shapes = {"small/w": (7,), "wide/weight": (2**30, 2**20), "wide/bias": (2**20,)}
    with pytest.raises(
        ShapeError,
        match=r"^wide/weight: of shape \(1073741824, 1048576\) it takes 4,194,304\.0 of the "
        r"4,194,304\.0 GiB .* as float32, more memory than there is",
    ) as caught:
        Arena(shapes, "float32")
    assert caught.value.where == "wide/weight"
