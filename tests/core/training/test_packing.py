"""State as plain data and arrays: what comes back is what was there, or it is refused."""

import math
import pickle
import re
from collections import OrderedDict
from enum import IntEnum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import ConfigError
from mlpk.file.canonical import decode, encode
from mlpk.training.packing import packed, unpacked


def through(state):
    """Return a state as it comes back, its plain part through the bytes of a header."""
    arrays = {}
    held = decode(encode(packed("mine", state, arrays, "here")))
    assert all(name.startswith("state:mine/") for name in arrays)
    return unpacked("mine", held, {name: array.copy() for name, array in arrays.items()})


def same(one, other):
    """Tell whether two values are of one type and equal, NaN and the order of dicts included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return len(one) == len(other) and all(
            same(mine, yours) for mine, yours in zip(one.items(), other.items(), strict=True)
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray | np.generic):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    return one == other or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([np.float32(0.1), np.int64(-3), np.True_, np.float64("nan"), np.complex64(1j)]),
    st.sampled_from([np.arange(3), np.zeros((2, 0), "f4"), np.array(1.5), np.array([True])]),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(
            st.one_of(
                st.sampled_from(["float", "int", "array", "mapping", "id", "schema", "config"]),
                st.text(max_size=3),
                st.integers(),
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "a.0", "c-1"]), TREES, max_size=4))
def test_what_is_kept_comes_back_as_it_was(state):
    found = through(state)
    assert found.keys() == state.keys()
    for key, value in state.items():
        assert same(found[key], value), key


@pytest.mark.parametrize("column", [[0.1, math.pi] * 200, list(range(-5, 400)), [1, 2.0] * 200])
def test_long_lists_of_numbers_take_no_room_in_the_header(column):
    arrays = {}
    held = packed("mine", {"seen": column}, arrays, "here")
    assert bool(arrays) == (len(set(map(type, column))) == 1)
    assert same(unpacked("mine", held, arrays)["seen"], column)


def test_a_generator_of_random_numbers_can_be_kept():
    rng = np.random.default_rng(5)
    rng.random()
    other = np.random.default_rng(6)
    other.bit_generator.state = through({"rng": rng.bit_generator.state})["rng"]
    assert other.random() == rng.random()


class Level(IntEnum):
    HIGH = 1


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (print, "here['k']"),
        (object(), "here['k']"),
        ({1, 2}, "here['k']"),
        (b"bytes", "here['k']"),
        (Level.HIGH, "here['k']"),
        (OrderedDict(a=1), "here['k']"),
        ([0, {"fn": print}], "here['k'][1]['fn']"),
        ((0, pickle), "here['k'][1]"),
    ],
)
def test_what_would_not_come_back_is_refused_where_it_is(value, path):
    with pytest.raises(ConfigError, match="a checkpoint could not bring it back") as caught:
        packed("mine", {"k": value}, {}, "here")
    assert caught.value.where == path


@pytest.mark.parametrize(
    "array",
    [
        np.array([print]),
        np.array(["text"]),
        np.array(["2024-01-01"], "M8[D]"),
        np.zeros(2, "f4,i2"),
    ],
)
def test_arrays_of_other_dtypes_are_refused(array):
    with pytest.raises(ConfigError, match="wanted an array of one of the dtypes bool, u8"):
        packed("mine", {"k": array}, {}, "here")
    with pytest.raises(ConfigError, match="wanted an array of one of the dtypes bool, u8"):
        packed("mine", {"k": [array]}, {}, "here")


def test_a_masked_array_is_no_array():
    with pytest.raises(ConfigError, match="a checkpoint could not bring it back"):
        packed("mine", {"k": np.ma.masked_array([1, 2], [True, False])}, {}, "here")


@pytest.mark.parametrize("state", [None, [1], "text", 3])
def test_a_state_is_a_dict(state):
    with pytest.raises(ConfigError, match=r"^here: wanted a dict from state\(\), found"):
        packed("mine", state, {}, "here")


@pytest.mark.parametrize("key", ["", "a/b", "0", "ä", 3])
def test_keys_are_names(key):
    with pytest.raises(ConfigError, match=rf"^{re.escape(f'here[{key!r}]')}: wanted a name"):
        packed("mine", {key: 1}, {}, "here")


@pytest.mark.parametrize(
    "held", [{"k": {"array": "gone"}}, {"k": {"float": "1"}}, {"k": {"mapping": [1]}}]
)
def test_what_does_not_fit_together_is_told(held):
    with pytest.raises(ConfigError, match="the file's state does not fit together"):
        unpacked("mine", held, {})
