"""Regression."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPRegressor

from mlpk_sklearn import NetRegressor


def test_diabetes_as_well_as_scikit_learns_own_network(diabetes) -> None:
    x, y, x_test, y_test = diabetes
    settings = {"max_iter": 60, "random_state": 0}
    ours = NetRegressor((30,), tol=None, **settings).fit(x, y)
    theirs = MLPRegressor(hidden_layer_sizes=(30,), tol=0, n_iter_no_change=60, **settings)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        theirs.fit(x, y)
    assert ours.score(x_test, y_test) > 0.25
    assert ours.score(x_test, y_test) > theirs.score(x_test, y_test) - 0.1


def test_a_curve_that_no_line_follows() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, (400, 2))
    y = np.sin(2 * x[:, 0]) * x[:, 1]
    net = NetRegressor(
        (64, "tanh", 64), optimizer={"kind": "adam", "lr": 0.01}, batch_size=50, max_iter=60,
        tol=None, random_state=0,
    ).fit(x[:300], y[:300])  # fmt: skip
    assert LinearRegression().fit(x[:300], y[:300]).score(x[300:], y[300:]) < 0.2
    assert net.score(x[300:], y[300:]) > 0.95


def test_no_hidden_layer_finds_the_least_squares(diabetes) -> None:
    x, y, _, _ = diabetes
    x = x[:, :4]  # the others say nearly the same as each other
    rate = {"kind": "cosine", "lr": 0.1, "steps": 600}
    net = NetRegressor((), optimizer={"kind": "adam", "lr": rate}, batch_size=len(x))
    net.set_params(max_iter=600, tol=None, random_state=0).fit(x, y)
    line = LinearRegression().fit(x, y)
    np.testing.assert_allclose(net.predict(x), line.predict(x), atol=1e-4)


def test_predictions_have_the_shape_of_the_targets(diabetes) -> None:
    x, y, _, _ = diabetes
    net = NetRegressor((4,), max_iter=1, tol=None)
    assert net.fit(x, y).predict(x[:5]).shape == (5,)
    assert net.fit(x, y[:, None]).predict(x[:5]).shape == (5, 1)
    assert net.fit(x, np.stack([y, -y, y], axis=1)).predict(x[:5]).shape == (5, 3)


def test_several_targets_are_learned_together(diabetes) -> None:
    x, y, _, _ = diabetes
    both = np.stack([x @ np.arange(10) / 10, -y], axis=1)
    net = NetRegressor((32,), batch_size=32, max_iter=40, tol=None, random_state=0).fit(x, both)
    first, second = net.predict(x).T
    assert np.corrcoef(first, both[:, 0])[0, 1] > 0.98
    assert np.corrcoef(second, -y)[0, 1] > 0.7


def test_an_outlier_moves_a_mean_and_hardly_a_median() -> None:
    x, y = np.ones((11, 1)), np.zeros(11)
    y[-1] = 11.0
    rate = {"kind": "cosine", "lr": 0.1, "steps": 500}
    settings = {"optimizer": {"kind": "adam", "lr": rate}, "max_iter": 500, "tol": None}
    mean = NetRegressor((), random_state=0, **settings).fit(x, y)
    median = NetRegressor((), random_state=0, loss="mean_absolute_error", **settings).fit(x, y)
    assert mean.predict(x[:1])[0] == pytest.approx(1.0, abs=0.02)
    assert median.predict(x[:1])[0] == pytest.approx(0.0, abs=0.02)
