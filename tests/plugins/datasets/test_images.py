"""Bytes to pixels and labels."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from mlpk.errors import DataError
from mlpk_plugins.datasets.parts.images import labels, pixels


@pytest.mark.parametrize("top", [16, 255])
def test_pixels_are_the_float32_nearest_to_the_fraction(top: int) -> None:
    raw = np.arange(top + 1, dtype=np.uint8)
    found = pixels(raw, top)
    assert found.dtype == np.float32
    assert found.tolist() == [float(np.float32(value / top)) for value in range(top + 1)]


def test_pixels_make_no_array_but_the_result() -> None:
    raw = np.full((500, 64, 64), 255, np.uint8)
    tracemalloc.start()
    try:
        found = pixels(raw, 255)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.1 * found.nbytes


def test_pixels_fill_what_they_are_given() -> None:
    out = np.full((2, 3), np.nan, np.float32)
    assert pixels(np.array([[255, 0, 51]] * 2, np.uint8), 255, out) is out
    np.testing.assert_array_equal(out, np.array([[1, 0, 0.2]] * 2, np.float32))


def test_labels() -> None:
    found = labels(np.array([9, 0, 3], np.uint8), Path("y"))
    assert found.dtype == np.int64
    assert found.tolist() == [9, 0, 3]


def test_a_label_of_no_class_is_named_by_its_row() -> None:
    with pytest.raises(
        DataError, match="y: wanted labels from 0 to 9, found 10 in row 2"
    ) as caught:
        labels(np.array([9, 0, 10, 200], np.uint8), Path("y"))
    assert caught.value.row == 2
