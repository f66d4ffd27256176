"""Canonical msgpack, from both sides: `encode` gives it, `decode` takes nothing else."""

from __future__ import annotations

import math
import struct

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk.errors import ConfigError, FileFormatError
from mlpk.file.canonical import decode, encode
from mlpk.file.layout import Limits

NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(max_size=40) | st.binary(max_size=40)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=20),
    max_leaves=60,
)


def nested(depth, innermost=0):
    for _ in range(depth):
        innermost = [innermost]
    return innermost


@given(TREES)
def test_what_is_encoded_comes_back(tree):
    data = encode(tree)
    back = decode(data)
    assert back == tree
    assert msgpack.unpackb(data) == tree
    assert encode(back) == data


@given(st.dictionaries(st.text(), st.none(), max_size=30))
def test_keys_stand_in_the_order_of_their_bytes(tree):
    keys = list(msgpack.unpackb(encode(tree)))
    assert [key.encode() for key in keys] == sorted(key.encode() for key in tree)
    assert encode(dict(reversed(tree.items()))) == encode(tree)


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "cc80"),
        (256, "cd0100"),
        (2**64 - 1, "cfffffffffffffffff"),
        (-1, "ff"),
        (-33, "d0df"),
        (-(2**63), "d38000000000000000"),
        (1.0, "cb3ff0000000000000"),
        (-0.0, "cb8000000000000000"),
        ("é", "a2c3a9"),
        ("a" * 32, "d920" + "61" * 32),
        (b"", "c400"),
        ({"b": None, "a": [True, False]}, "82a16192c3c2a162c0"),
    ],
)
def test_shortest_forms(value, data):
    assert encode(value).hex() == data
    assert decode(bytes.fromhex(data)) == value


@pytest.mark.parametrize(
    "data",
    [
        "cc05",  # 5 is a fixint
        "cd0080",  # 128 is a uint8
        "d07f",  # 127 is no int8
        "ca3f800000",  # float32
        "d90161",  # "a" is a fixstr
        "da000161",
        "c5000161",  # bin16
        "dc0000",  # [] is a fixarray
        "dd00000000",
        "de0000",
        "82a161c0a161c0",  # a key twice
        "82a162c0a161c0",  # b before a
    ],
)
def test_other_forms_are_refused(data):
    with pytest.raises(FileFormatError, match=r"canonical|sorted") as caught:
        decode(bytes.fromhex(data), start=64)
    assert caught.value.field == "header"


def test_the_first_byte_that_differs_is_told():
    with pytest.raises(FileFormatError) as caught:
        decode(b"\x93\x01\x02\xcc\x05", start=64)
    assert caught.value.offset == 67


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("", "not valid"),
        ("91", "not valid"),  # a list without its item
        ("c0c0", "not valid"),  # something behind the end
        ("c1", "not valid"),  # never used
        ("a1ff", "not valid"),  # no UTF-8
        ("a3eda080", "not valid"),  # half of a surrogate pair
        ("8101c0", "not valid"),  # a number as key
        ("81c40161c0", "text as keys"),
        ("d40100", "not valid"),  # ext, and two timestamps
        ("d6ff00000000", "not valid"),
        ("c70cff" + "00" * 12, "not valid"),
        ("c70001", "found ExtType"),  # ext without a byte
        ("cb7ff8000000000000", "finite"),
        ("cb7ff8000000000001", "finite"),
        ("cb7ff0000000000000", "finite"),
        ("cbfff0000000000000", "finite"),
        ("dbffffffff", "not valid"),  # sizes that are not there
        ("c6ffffffff", "not valid"),
        ("ddffffffff", "not valid"),
        ("dfffffffff", "not valid"),
        ("c9ffffffff01", "not valid"),
        ("dd00010000", "not valid"),
    ],
)
def test_what_no_header_may_hold_is_refused(data, problem):
    with pytest.raises(FileFormatError, match=problem):
        decode(bytes.fromhex(data))


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(data):
    try:
        tree = decode(data)
    except FileFormatError:
        return
    assert encode(tree) == data


@pytest.mark.parametrize("depth", [33, 511, 512, 1023, 1024, 2000, 200_000])
@pytest.mark.parametrize("step", [b"\x91", b"\x81\xa0", b"\xdd\x00\x00\x00\x01"])
def test_depth_bombs_are_refused(depth, step):
    with pytest.raises(FileFormatError):
        decode(step * depth + b"\xc0")


def test_32_levels_are_the_most():
    assert decode(encode(nested(32))) == nested(32)
    with pytest.raises(ConfigError, match="at most 32 levels"):
        encode(nested(33))
    with pytest.raises(FileFormatError, match="at most 32 levels"):
        decode(b"\x91" * 33 + b"\x00")


def test_a_deep_tree_is_refused_without_recursion():
    with pytest.raises(ConfigError, match="at most 32 levels"):
        encode(nested(100_000))


@pytest.mark.parametrize(
    ("tree", "problem", "where"),
    [
        ({"a": [1, math.nan]}, "finite", "a[1]"),
        ({"a": {"b": math.inf}}, "finite", "a.b"),
        ({"a": [[1], {"b": 2}], "c": math.nan}, "finite", "c"),
        ({"a": {1: 2}}, "text as keys", "a"),
        ({"a": (1, 2)}, "found (1, 2) (tuple)", "a"),
        ({"a": {1}}, "(set)", "a"),
        ([0, object], "found the class object", "[1]"),
        (2**64, "64 bits", ""),
        (-(2**63) - 1, "64 bits", ""),
        ("\ud800", "UTF-8", ""),
        ({"\ud800": 1}, "UTF-8", ""),
        ({"a": "é" * 32_769}, "at most 65536 bytes", "a"),
        ({"é" * 32_769: 0}, "at most 65536 bytes", ""),
        ({"a": [0] * 65_537}, "at most 65536 items", "a"),
        ({str(i): 0 for i in range(65_537)}, "at most 65536 items", ""),
    ],
)
def test_what_cannot_be_written_is_refused_with_its_place(tree, problem, where):
    with pytest.raises(ConfigError) as caught:
        encode(tree)
    assert problem in str(caught.value)
    assert caught.value.where == where


@pytest.mark.parametrize("text", ["x" * 65_536, "é" * 32_768, "€" * 21_845])
def test_text_of_64_kib_is_the_most(text):
    assert decode(encode({text: text})) == {text: text}
    for tree in ([text + "xx"], {text + "xx": 0}):
        with pytest.raises(ConfigError, match="at most 65536 bytes"):
            encode(tree)


def test_many_shallow_lists_are_not_deep():
    assert decode(encode([[[]], {"a": []}] * 1000)) == [[[]], {"a": []}] * 1000


@pytest.mark.parametrize(
    ("tree", "limits"),
    [
        ("é" * 40_000, Limits(string=80_000)),
        ([0] * 70_000, Limits(items=70_000)),
        ({f"{i:05}": 0 for i in range(70_000)}, Limits(items=70_000)),
    ],
)
def test_limits_hold_on_both_sides_until_they_are_raised(tree, limits):
    data = msgpack.packb(tree)
    with pytest.raises(FileFormatError, match="exceeds max"):
        decode(data)
    assert encode(tree, limits) == data
    assert decode(data, limits) == tree


def test_a_float_of_any_bits_is_kept_or_refused():
    for exponent in (0, 1, 2046, 2047):
        data = b"\xcb" + struct.pack(">Q", exponent << 52 | 1)
        if exponent == 2047:
            with pytest.raises(FileFormatError, match="finite"):
                decode(data)
        else:
            assert encode(decode(data)) == data
