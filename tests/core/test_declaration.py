from __future__ import annotations

from typing import Any

import attrs
import pytest

from mlpk import Buffer, ConfigError, Declaration, Param, ShapeError
from mlpk.declaration import known


@pytest.mark.parametrize(
    ("shape", "fans"),
    [
        ((), (1, 1)),
        ((7,), (7, 7)),
        ((3, 5), (3, 5)),
        ((3, 3, 4, 8), (36, 72)),  # a kernel: its field of 9 times the channels
        ((2, 4, 8), (8, 16)),
        ((0, 5), (0, 5)),
    ],
)
def test_fans_count_channels_times_receptive_field(
    shape: tuple[int, ...], fans: tuple[int, int]
) -> None:
    assert Param(shape, "zeros").in_and_out == fans


def test_fans_may_be_told() -> None:
    assert Param((3, 20), "zeros", fans=(3, 5)).in_and_out == (3, 5)


def test_what_is_left_out_is_the_usual() -> None:
    param = Param((2,), "zeros")
    assert (param.decay, param.fans, param.trainable) == (True, None, True)
    assert Buffer((2,), 0.0).dtype is None
    declaration = Declaration((3,))
    assert (declaration.params, declaration.buffers, declaration.min_rows) == ({}, {}, 1)
    assert Declaration((5, None, 3)).positions == (5, None)
    assert Declaration(()).positions == Declaration((3,)).positions == ()


def test_declarations_do_not_change() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Param((2,), "zeros").decay = False  # type: ignore[misc] # that is the point


def test_a_length_that_is_needed_must_be_known() -> None:
    assert known(3) == 3
    with pytest.raises(ShapeError, match="wanted a known length on this axis, found None"):
        known(None)


def test_arrays_are_described_by_param_and_buffer() -> None:
    with pytest.raises(ConfigError, match=r"^Declaration.params\['w'\]: wanted a mlpk.Param"):
        Declaration((2,), {"w": (4,)})  # type: ignore[dict-item] # what is tested
    with pytest.raises(ConfigError, match=r"^Declaration.buffers\['m'\]: wanted a mlpk.Buffer"):
        Declaration((2,), {}, {"m": Param((4,), "zeros")})  # type: ignore[dict-item] # what is tested


@pytest.mark.parametrize("shape", [(None, 3), (-1,), (2.0, 3), [2, 3], 3, None])
def test_the_shape_of_an_array_is_a_tuple_of_lengths(shape: Any) -> None:
    for what in (lambda: Param(shape, "zeros"), lambda: Buffer(shape, 0.0)):
        with pytest.raises(
            ConfigError, match=r"\.shape: wanted a tuple of whole numbers from 0, found"
        ):
            what()


@pytest.mark.parametrize("fans", [(0, 3), (1, 2, 3), 3, (1.5, 2)])
def test_fans_are_two_counts(fans: Any) -> None:
    with pytest.raises(ConfigError, match=r"^Param.fans: wanted \(in, out\), two whole numbers"):
        Param((2, 3), "zeros", fans=fans)


@pytest.mark.parametrize("dtype", ["floot", "object", "U4", 3.5])
def test_a_buffer_holds_numbers(dtype: Any) -> None:
    with pytest.raises(ConfigError, match=r"^Buffer.dtype: wanted a dtype of numbers, found"):
        Buffer((2,), 0.0, dtype)


@pytest.mark.parametrize("output", [None, 3, [3], (0,), (-1, 2), (2.0,), ("3",)])
def test_an_output_has_lengths_from_one(output: Any) -> None:
    with pytest.raises(ConfigError, match=r"^Declaration.output: wanted a tuple of lengths from 1"):
        Declaration(output)


@pytest.mark.parametrize("name", ["w/x", "a b", "", "1st", 3])
def test_names_are_those_that_a_file_holds(name: Any) -> None:
    with pytest.raises(ConfigError, match=r"^Declaration.params: wanted names of letters, digits"):
        Declaration((2,), {name: Param((2,), "zeros")})
