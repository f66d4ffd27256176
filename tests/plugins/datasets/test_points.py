"""The made-up datasets: xor and spirals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlpk.errors import ConfigError
from mlpk_plugins.datasets.spirals import spirals
from mlpk_plugins.datasets.xor import xor

both = pytest.mark.parametrize("dataset", [xor, spirals])


@both
@pytest.mark.parametrize("n", [1, 7, 300])
def test_shapes_and_types(dataset: Callable[..., Any], n: int) -> None:
    x, y = dataset(n=n)
    assert (x.shape, y.shape) == ((n, 2), (n,))
    assert (x.dtype, y.dtype) == (np.float32, np.int64)


@both
def test_default_is_300_rows_of_seed_0(dataset: Callable[..., Any]) -> None:
    for ours, theirs in zip(dataset(), dataset(300, 0), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@both
def test_another_seed_gives_other_points(dataset: Callable[..., Any]) -> None:
    assert not np.isin(dataset(seed=1)[0], dataset(seed=2)[0]).all()
    assert (dataset(seed=None)[0] != dataset(seed=None)[0]).any()


@both
@pytest.mark.parametrize("n", [0, -3, 2.0, "3", True, None])
def test_a_number_of_rows_that_is_none_is_refused(dataset: Callable[..., Any], n: Any) -> None:
    with pytest.raises(ConfigError, match=rf"{dataset.__name__}\.n: wanted a number of rows"):
        dataset(n=n)


@both
@pytest.mark.parametrize("seed", [-1, 1.5, "0"])
def test_a_seed_that_is_none_is_refused(dataset: Callable[..., Any], seed: Any) -> None:
    with pytest.raises(ConfigError, match="seed: wanted"):
        dataset(seed=seed)


def test_xor_is_where_the_signs_differ() -> None:
    x, y = xor(n=5000)
    assert y.tolist() == [int(a * b < 0) for a, b in x.astype(np.float64)]


def test_xor_points_are_standard_normal() -> None:
    x, y = xor(n=20_000)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(x.T), np.eye(2), atol=0.04)
    assert y.mean() == pytest.approx(0.5, abs=0.02)


def test_spirals_take_turns() -> None:
    assert spirals(n=8)[1].tolist() == [0, 1, 2, 0, 1, 2, 0, 1]


def test_spirals_follow_their_equation() -> None:
    x, y = spirals(n=20_000)
    t = np.hypot(*x.astype(np.float64).T)
    assert t.max() <= 1
    np.testing.assert_allclose(np.quantile(t, [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.02)
    # What the angle has beyond its arm's is the noise.
    clean = 2 * np.pi * y / 3 + 4 * t
    noise = np.angle((x[:, 0] + 1j * x[:, 1]) * np.exp(-1j * clean))
    assert noise.mean() == pytest.approx(0, abs=0.01)
    assert noise.std() == pytest.approx(0.2, abs=0.01)


def test_spirals_are_no_linear_task_but_neighbours_tell_them_apart() -> None:
    x, y = spirals(n=900)
    fit, check = slice(0, 600), slice(600, None)
    columns = np.c_[x, np.ones(len(x))]
    weight = np.linalg.lstsq(columns[fit], np.eye(3)[y[fit]], rcond=None)[0]
    assert ((columns[check] @ weight).argmax(axis=1) == y[check]).mean() < 0.75
    nearest = ((x[check, None] - x[None, fit]) ** 2).sum(axis=-1).argmin(axis=1)
    assert (y[fit][nearest] == y[check]).mean() > 0.9
