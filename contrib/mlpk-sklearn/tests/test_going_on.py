"""Warm starts and training part by part."""

from __future__ import annotations

import mlpk
import numpy as np
import pytest

from mlpk_sklearn import NetClassifier, NetRegressor


def parameters(estimator):
    return np.concatenate([array.ravel() for array in estimator.model_.params.values()])


def test_a_warm_start_goes_on_from_the_network_and_a_cold_one_does_not(blobs) -> None:
    settings = {"max_iter": 5, "tol": None, "random_state": 0, "shuffle": False}
    settings["optimizer"] = {"kind": "sgd", "lr": 0.1}  # remembers nothing between two runs
    ten = NetClassifier((6,), **{**settings, "max_iter": 10}).fit(*blobs)
    warm = NetClassifier((6,), warm_start=True, **settings).fit(*blobs).fit(*blobs)
    cold = NetClassifier((6,), **settings).fit(*blobs)
    once = parameters(cold)
    assert np.array_equal(parameters(warm), parameters(ten))
    assert warm.n_iter_ == 10
    assert warm.loss_curve_ == ten.loss_curve_
    assert np.array_equal(parameters(cold.fit(*blobs)), once)
    assert cold.n_iter_ == 5


def test_a_warm_start_wants_the_same_features_and_classes(blobs) -> None:
    x, y = blobs
    net = NetClassifier((6,), warm_start=True, max_iter=1, tol=None).fit(x, y)
    with pytest.raises(ValueError, match="features"):
        net.fit(x[:, :3], y)
    with pytest.raises(ValueError, match="unseen labels"):
        net.fit(x, y + 1)


def test_parts_are_epochs_of_one_run(blobs) -> None:
    x, y = blobs
    settings = {"optimizer": {"kind": "adam", "lr": 0.01}, "shuffle": False, "random_state": 0}
    whole = NetClassifier((6,), max_iter=4, tol=None, **settings).fit(x, y)
    parts = NetClassifier((6,), **settings)
    for _ in range(4):
        parts.partial_fit(x, y, classes=[0, 1, 2])
    assert np.array_equal(parameters(parts), parameters(whole)), "the optimizer goes on"
    assert parts.n_iter_ == 4


def test_rows_come_in_other_orders_each_time(blobs) -> None:
    settings = {"batch_size": 8, "random_state": 0}
    still = {"kind": "sgd", "lr": 0.0}
    net = NetClassifier((6,), optimizer=still, metrics=[], **settings)
    orders = []

    class Losses:
        @mlpk.hookimpl
        def mlpk_batch_end(self, fit):
            orders[-1].append(fit.logs["loss"])

    net.set_params(callbacks=[Losses()])
    for _ in range(2):
        orders.append([])
        net.partial_fit(*blobs, classes=[0, 1, 2])
    assert orders[0] != orders[1]


def test_another_optimizer_takes_effect_between_two_parts(blobs) -> None:
    net = NetRegressor((6,), random_state=0).partial_fit(*blobs)
    before = parameters(net)
    net.set_params(optimizer={"kind": "sgd", "lr": 0.0}).partial_fit(*blobs)
    assert np.array_equal(parameters(net), before)


def test_classes_must_be_known_at_first_and_stay(blobs) -> None:
    x, y = blobs
    with pytest.raises(ValueError, match="classes: wanted in the first call"):
        NetClassifier().partial_fit(x, y)
    net = NetClassifier((6,)).partial_fit(x[y < 2], y[y < 2], classes=[0, 1, 2])
    assert net.predict_proba(x).shape == (60, 3)
    net.partial_fit(x[y == 2], y[y == 2])
    with pytest.raises(ValueError, match="classes: wanted those of the first call"):
        net.partial_fit(x, y, classes=[0, 1])
    with pytest.raises(ValueError, match="unseen labels"):
        net.partial_fit(x, y + 1)


def test_balance_needs_all_rows(blobs) -> None:
    net = NetClassifier(class_weight="balanced")
    assert not hasattr(net, "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        net.partial_fit(*blobs, classes=[0, 1, 2])


def test_weights_of_a_part(blobs) -> None:
    x, y = blobs
    there = y < 2
    settings = {"random_state": 0, "class_weight": {2: 0.0}}
    some = NetClassifier((6,), **settings).partial_fit(x, y, classes=[0, 1, 2])
    rows = NetClassifier((6,), random_state=0).partial_fit(x, y, [0, 1, 2], sample_weight=there)
    assert np.array_equal(parameters(some), parameters(rows))
