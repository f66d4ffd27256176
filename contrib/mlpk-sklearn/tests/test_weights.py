"""Sample weights and class weights."""

from __future__ import annotations

import numpy as np
import pytest

from mlpk_sklearn import NetClassifier, NetRegressor
from mlpk_sklearn.weights import row_weights


def parameters(estimator):
    return np.concatenate([array.ravel() for array in estimator.model_.params.values()])


SETTINGS = {"max_iter": 40, "tol": None, "random_state": 0, "batch_size": 10_000}


@pytest.mark.parametrize("optimizer", ["adam", {"kind": "momentum", "lr": 0.1}])
@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
def test_a_weight_is_so_many_rows(kind, optimizer, blobs) -> None:
    x, y = blobs
    times = np.arange(len(x)) % 4
    net = kind((6, "tanh", 5), optimizer=optimizer, **SETTINGS)
    repeated = parameters(net.fit(x.repeat(times, axis=0), y.repeat(times)))
    weighted = parameters(net.fit(x, y, sample_weight=times))
    np.testing.assert_allclose(weighted, repeated, rtol=0, atol=1e-10)
    assert np.abs(parameters(net.fit(x, y)) - repeated).max() > 1e-3


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
def test_a_weight_of_zero_is_absence_in_small_batches_too(kind, blobs) -> None:
    x, y = blobs
    there = np.arange(len(x)) % 5 != 0
    net = kind((6, "batch_norm"), **SETTINGS).set_params(batch_size=8, early_stopping=True)
    without = parameters(net.fit(x[there], y[there], sample_weight=np.ones(there.sum())))
    assert np.array_equal(parameters(net.fit(x, y, sample_weight=there)), without)


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor])
def test_the_unit_of_weights_does_not_matter(kind, blobs) -> None:
    x, y = blobs
    net = kind((6,), **SETTINGS)
    plain = parameters(net.fit(x, y))
    np.testing.assert_allclose(parameters(net.fit(x, y, sample_weight=8.0)), plain, atol=1e-10)


def test_class_weights_are_sample_weights(blobs) -> None:
    x, y = blobs
    names = np.array(["a", "b", "c"])[y]
    factors = {"a": 0.5, "b": 2.0}
    by_class = NetClassifier((6,), class_weight=factors, **SETTINGS).fit(x, names)
    weight = np.array([0.5, 2.0, 1.0])[y]
    by_row = NetClassifier((6,), **SETTINGS).fit(x, names, sample_weight=weight)
    assert np.array_equal(parameters(by_class), parameters(by_row))


def test_both_kinds_of_weights_multiply(blobs) -> None:
    x, y = blobs
    weight = 1 + np.arange(len(x)) % 3 * 0.5
    both = NetClassifier((6,), class_weight={0: 3.0}, **SETTINGS).fit(x, y, sample_weight=weight)
    product = weight * np.where(y == 0, 3.0, 1.0)
    once = NetClassifier((6,), **SETTINGS).fit(x, y, sample_weight=product)
    assert np.array_equal(parameters(both), parameters(once))


def test_balanced_by_hand() -> None:
    y = np.array([0, 0, 0, 1])
    assert row_weights(None, "balanced", y).tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2.0])
    # Class 0 weighs 2, class 1 weighs 6, and each shall weigh 4.
    found = row_weights([1.0, 1.0, 0.0, 6.0], "balanced", y)
    assert found.tolist() == pytest.approx([2.0, 2.0, 0.0, 4.0])


def test_balance_helps_a_rare_class() -> None:
    rng = np.random.default_rng(1)
    y = (np.arange(400) % 20 == 0).astype(int)
    x = rng.standard_normal((400, 2)) + 1.2 * y[:, None]
    rare = y == 1
    net = NetClassifier((8,), **SETTINGS).set_params(max_iter=150)
    plain = np.mean(net.fit(x, y).predict(x)[rare])
    balanced = np.mean(net.set_params(class_weight="balanced").fit(x, y).predict(x)[rare])
    assert balanced > 0.7 > plain


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (np.zeros(60), "all weights are zero"),
        (np.where(np.arange(60) == 7, -1.0, 1.0), "must not be negative, found -1 in row 7"),
        (np.ones((60, 1)), r"one number a row, found the shape \(60, 1\)"),
        (np.ones(59), "inconsistent numbers of samples"),
        (np.full(60, np.nan), "NaN"),
    ],
)
def test_weights_that_are_none_are_refused(weight, words, blobs) -> None:
    for net in (NetClassifier(), NetRegressor()):
        with pytest.raises(ValueError, match=words):
            net.fit(*blobs, sample_weight=weight)


def test_what_the_caller_passed_stays_as_it_was(blobs) -> None:
    weight = np.ones(60)
    NetClassifier(class_weight="balanced", max_iter=1, tol=None).fit(*blobs, sample_weight=weight)
    assert np.array_equal(weight, np.ones(60))
