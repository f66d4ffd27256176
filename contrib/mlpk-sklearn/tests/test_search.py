"""Pipelines and searches."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlpk_sklearn import NetClassifier, NetRegressor


def test_a_grid_of_layers_and_optimizers(digits) -> None:
    x, y, x_test, y_test = digits
    net = NetClassifier(max_iter=12, tol=None, batch_size=64, random_state=0)
    grid = {
        "netclassifier__layers": [(), (40,), ["batch_norm", {"kind": "dense", "units": 40}, "elu"]],
        "netclassifier__optimizer": [{"kind": "adam", "lr": rate} for rate in (1e-6, 1e-2)],
    }
    search = GridSearchCV(make_pipeline(StandardScaler(), net), grid, cv=2, error_score="raise")
    search.fit(x[:600], y[:600])
    assert search.best_params_["netclassifier__optimizer"]["lr"] == 1e-2
    assert search.score(x_test, y_test) > 0.85
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == 6
    assert min(scores) < 0.3 < max(scores)


def test_processes_share_the_work_and_change_nothing(blobs) -> None:
    net = NetClassifier((6, "batch_norm"), max_iter=3, tol=None, random_state=0)
    grid = {"layers": [(4,), ["tanh"]]}
    alone = GridSearchCV(net, grid, cv=2).fit(*blobs)
    together = GridSearchCV(net, grid, cv=2, n_jobs=2).fit(*blobs)
    found, wanted = (s.cv_results_["mean_test_score"] for s in (together, alone))
    assert np.array_equal(found, wanted)


def test_cross_validation_in_a_pipeline_of_targets_too(diabetes) -> None:
    x, y, _, _ = diabetes
    net = NetRegressor((20,), max_iter=60, tol=None, random_state=0)
    scaled = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), net), transformer=StandardScaler()
    )
    scores = cross_val_score(scaled, x, 100 + 50 * y, cv=3)
    assert scores.mean() > 0.3


def test_areas_under_curves_come_from_probabilities(blobs) -> None:
    fast = {"kind": "adam", "lr": 0.02}
    net = NetClassifier((16,), optimizer=fast, max_iter=60, tol=None, random_state=0)
    scores = cross_val_score(net, *blobs, cv=3, scoring="roc_auc_ovr")
    assert scores.min() > 0.85


def test_settings_through_a_pipeline(blobs) -> None:
    pipe = make_pipeline(StandardScaler(), NetClassifier(max_iter=1, tol=None))
    pipe.set_params(netclassifier__layers=["tanh"], netclassifier__optimizer="lion")
    pipe.fit(*blobs, netclassifier__sample_weight=np.ones(60))
    assert [node.id for node in pipe[-1].model_.spec.nodes] == ["tanh", "dense"]


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid parameter 'epochs'"):
        NetClassifier().set_params(epochs=3)
