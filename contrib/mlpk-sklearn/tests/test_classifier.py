"""Classification."""

from __future__ import annotations

import mlpk
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.neural_network import MLPClassifier

from mlpk_sklearn import NetClassifier

FAST = {"kind": "adam", "lr": 0.05}


def test_digits_as_well_as_scikit_learns_own_network(digits) -> None:
    x, y, x_test, y_test = digits
    ours = NetClassifier((50,), max_iter=60, tol=None, random_state=0).fit(x, y)
    theirs = MLPClassifier((50,), max_iter=60, tol=0, n_iter_no_change=60, random_state=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        theirs.fit(x, y)
    assert ours.score(x_test, y_test) >= 0.95
    assert ours.score(x_test, y_test) >= theirs.score(x_test, y_test) - 0.015


def test_probabilities_are_the_softmax_of_the_logits(blobs) -> None:
    x, y = blobs
    net = NetClassifier((8,), max_iter=20, tol=None, random_state=0).fit(x, y)
    odds = np.exp(net.model_.predict(x))
    expected = odds / odds.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(net.predict_proba(x), expected, rtol=1e-12)
    np.testing.assert_allclose(net.predict_log_proba(x), np.log(expected), rtol=1e-9)
    assert np.array_equal(net.predict(x), expected.argmax(axis=1))


def test_logarithms_stay_finite_where_probabilities_vanish(blobs) -> None:
    x, y = blobs
    net = NetClassifier((8,), max_iter=20, tol=None, random_state=0).fit(x, y)
    logs = net.predict_log_proba(x * 1e4)
    assert np.isfinite(logs).all()
    assert logs.min() < np.log(np.finfo(float).tiny)


@pytest.mark.parametrize(
    "names", [np.array(["ox", "ant", "bee"]), np.array(["ox", "ant", "bee"], object), [30, 10, 20]]
)
def test_labels_may_be_anything_that_sorts(names, blobs) -> None:
    x, y = blobs
    labels = np.asarray(names)[y]
    net = NetClassifier((16,), optimizer=FAST, max_iter=50, tol=None, random_state=0)
    net.fit(x, labels)
    assert net.classes_.tolist() == sorted(set(names))
    assert np.mean(net.predict(x) == labels) > 0.9
    assert net.score(x, labels) == np.mean(net.predict(x) == labels)


def test_one_class_is_refused(blobs) -> None:
    x, y = blobs
    with pytest.raises(ValueError, match=r"two classes or more, found one class, \w+$"):
        NetClassifier().fit(x, np.ones_like(y))


def test_sparse_rows_are_refused(blobs) -> None:
    x, y = blobs
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        NetClassifier().fit(sparse.csr_array(x), y)


def test_columns_of_a_frame_are_remembered_and_their_order_checked(blobs) -> None:
    frame = pd.DataFrame(blobs[0], columns=list("abcd"))
    net = NetClassifier((4,), max_iter=2, tol=None).fit(frame, blobs[1])
    assert net.feature_names_in_.tolist() == list("abcd")
    assert net.n_features_in_ == 4
    with pytest.raises(ValueError, match="feature names"):
        net.predict(frame[list("dcba")])


def test_a_loss_of_probabilities_or_numbers_is_refused(blobs) -> None:
    for loss in ("cross_entropy", "mean_squared_error"):
        with pytest.raises(mlpk.ConfigError, match="loss: wanted one that takes logits"):
            NetClassifier(loss=loss).fit(*blobs)


def test_a_smoothed_loss_keeps_probabilities_from_one(blobs) -> None:
    x, y = blobs
    loss = {"kind": "softmax_cross_entropy", "label_smoothing": 0.3}
    settings = {"optimizer": FAST, "max_iter": 200, "tol": None, "random_state": 0}
    sharp = NetClassifier((32,), **settings).fit(x, y).predict_proba(x)
    smooth = NetClassifier((32,), loss=loss, **settings).fit(x, y).predict_proba(x)
    assert smooth.max() < 0.9 < sharp.max()


def test_metrics_and_callbacks_of_mlpk(blobs) -> None:
    seen = []

    class Seen:
        @mlpk.hookimpl
        def mlpk_epoch_end(self, fit):
            seen.append(fit.epoch)

    net = NetClassifier(metrics=["accuracy"], callbacks=[Seen()], max_iter=4, tol=None)
    net.fit(*blobs)
    assert seen == [1, 2, 3, 4]
    assert len(net.history_.metrics["accuracy"]) == 4


def test_verbose_reports_on_standard_error(blobs, capsys) -> None:
    NetClassifier(max_iter=2, tol=None).fit(*blobs)
    assert capsys.readouterr() == ("", "")
    NetClassifier(max_iter=2, tol=None, verbose=True).fit(*blobs)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("epoch ") == 2
