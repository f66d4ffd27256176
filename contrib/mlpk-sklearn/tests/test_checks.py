"""scikit-learn's own checks."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from mlpk_sklearn import NetClassifier, NetRegressor

# Some checks train for as many epochs as there are, and say nothing of the warning for it.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

HIDDEN = (32, {"kind": "dense", "units": 16}, "tanh")


@parametrize_with_checks(
    [
        NetClassifier(),
        NetRegressor(),
        NetClassifier(
            HIDDEN, optimizer={"kind": "adamw", "lr": 0.01}, regularizer="l2", max_iter=60
        ),
        NetRegressor(HIDDEN, optimizer={"kind": "momentum"}, loss="huber", tol=None, max_iter=60),
        NetClassifier((), optimizer={"kind": "adam", "lr": 0.01}, class_weight="balanced"),
    ]
)
def test_every_check_passes(estimator, check) -> None:
    check(estimator)


EQUIVALENCE = "check_sample_weight_equivalence_on_dense_data"
NORMED = (16, "batch_norm")


@pytest.mark.parametrize(
    ("estimator", "cannot_hold"),
    [
        # Which rows are held out is drawn from those that there are.
        pytest.param(NetClassifier(early_stopping=True, max_iter=60), {EQUIVALENCE}, id="early"),
        # A batch of some rows is another batch where rows are repeated; and the statistics of
        # batch normalisation need two rows, which mlpk says in words of its own.
        pytest.param(
            NetRegressor(NORMED, batch_size=16, max_iter=60, tol=None),
            {EQUIVALENCE, "check_fit2d_1sample"},
            id="batches",
        ),
        # The check asks for 1e-7, where float32 rounds at 6e-8 in each step; and it asks a
        # regressor of several targets for float64.
        pytest.param(
            NetRegressor(dtype="float32", max_iter=60),
            {EQUIVALENCE, "check_regressor_multioutput"},
            id="float32",
        ),
    ],
)
def test_these_settings_fail_these_checks_and_no_others(estimator, cannot_hold) -> None:
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert {r["check_name"] for r in results if r["status"] == "failed"} == cannot_hold
    assert not [r for r in results if r["status"] == "skipped"]
