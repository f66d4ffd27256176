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


def long(*items):
    """Return a list that is longer than a header should hold, of these again and again."""
    return list(items) * 300


COLUMNS = {
    "floats": long(0.1, math.pi, -0.0, math.nan, -math.inf),
    "integers": list(range(-5, 400)),
    "large integers": long(2**63, -(2**70)),
    "bools": long(np.True_.item()),
    "nothing": long(None),
    "integers and floats": long(1, 2.0),
    "numbers, some missing": long(None, 0.5),
    "pairs": [[step, step / 7] for step in range(400)],
    "tuples": [(step, (None, step / 7)) for step in range(400)],
    "of many lengths": [[step] * (step % 3) for step in range(400)],
    "by step": {step: step / 7 for step in range(400)},
    "by the name of a step": {str(step): step for step in range(400)},
    "logs": [{"step": step, "loss": step / 7} for step in range(400)],
    "scalars": [np.float64(step) for step in range(400)],
    "scalars of two dtypes": long(np.float64(1), np.float32(2), np.True_),
    "arrays": [np.full(3, step, "f4") for step in range(400)],
    "arrays of several shapes": [np.zeros(step % 3) for step in range(400)],
    "arrays without axes": [np.array(step) for step in range(400)],
    "texts": [f"{step} Zo\xeb" for step in range(400)],
    "a text": "long\U0001f600" * 300,
    "short lists in short lists": [[[step] * 20] * 20 for step in range(20)],
}


class TestLongValues:
    """What grows with every step takes a few tensors, and a header that stays as it is."""

    @pytest.mark.parametrize("kept", COLUMNS.values(), ids=COLUMNS)
    def test_they_come_back_as_they_were(self, kept):
        assert same(through({"seen": kept})["seen"], kept)

    @pytest.mark.parametrize("kept", COLUMNS.values(), ids=COLUMNS)
    def test_twice_as_many_take_no_more_room_in_the_header(self, kept):
        double = (
            {**kept, **{f"{k}!": v for k, v in kept.items()}} if type(kept) is dict else kept * 2
        )
        sizes, counts = [], []
        for value in ([kept, "!"], [double, "!"]):
            arrays = {}
            sizes.append(len(encode(packed("mine", {"seen": value}, arrays, "here"))))
            counts.append(len(arrays))
        if type(kept) is not dict:
            assert sizes[1] == sizes[0]
            assert counts[1] == counts[0]
        assert max(sizes) < 1000
        assert max(counts) < 20

    @pytest.mark.parametrize("levels", [2, 5, 6, 40, 64])
    def test_lists_inside_each_other(self, levels):
        nested = (1,)
        for level in range(levels - 1):
            nested = [nested, level] if level % 2 else {"in": nested}
        assert same(through({"seen": nested})["seen"], nested)

    @pytest.mark.parametrize(
        "told",
        [
            [],
            ["list"],
            ["list", "gone"],
            ["strange", "k.0"],
            ["lists", "k.0", "list", "k.1"],
            ["lists", "k.2", "list", "k.1"],
            ["lists", "k.0", "list", "k.0"],
            ["mixed", "k.0", 1, "list", "k.1"],
            ["mixed", "k.0", 2**60],
            ["texts", "k.2", "k.3"],
            ["lists", "k.0"] * 20_000,
        ],
        ids=str,
    )
    def test_columns_that_do_not_fit_together_are_told(self, told):
        arrays = {"k.0": [3, -1], "k.1": [1.5, 2.5], "k.2": [3], "k.3": [255]}
        arrays = {f"state:mine/{name}": np.array(array) for name, array in arrays.items()}
        with pytest.raises(ConfigError, match="the file's state does not fit together"):
            unpacked("mine", {"k": {"column": told}}, arrays)


def cyclic():
    inner = []
    inner.append({"again": inner})
    return inner


def nested(levels):
    inner = []
    for _ in range(levels - 1):
        inner = [inner]
    return inner


@pytest.mark.parametrize("value", [cyclic(), nested(5000), nested(66)], ids=["cycle", "5000", "66"])
def test_what_has_no_end_is_refused_at_its_key(value):
    with pytest.raises(ConfigError, match="inside each other, found more; does one of them") as at:
        packed("mine", {"fine": 1, "k": value}, {}, "here")
    assert at.value.where == "here['k']"


def test_a_name_that_leaves_no_room_for_a_number_is_refused():
    assert through({"k" * 232: [1.0] * 300})
    with pytest.raises(ConfigError, match="wanted a name of at most 232 characters, found 233"):
        packed("mine", {"k" * 233: []}, {}, "here")


@pytest.mark.parametrize("value", ["\ud800", ["a", "\ud800"], {"\ud800": 1}])
def test_text_that_is_none_is_refused(value):
    with pytest.raises(ConfigError, match=r"^here\['k'\].*wanted text of valid UTF-8"):
        packed("mine", {"k": value}, {}, "here")


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
