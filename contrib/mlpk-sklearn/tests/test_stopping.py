"""When training ends, and with which weights."""

from __future__ import annotations

import mlpk
import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from mlpk_sklearn import NetClassifier, NetRegressor


def test_a_plateau_ends_training(blobs) -> None:
    net = NetClassifier((8,), optimizer={"kind": "sgd", "lr": 0.0}, n_iter_no_change=3).fit(*blobs)
    assert net.n_iter_ == 4, "the first epoch sets the mark, three do not pass it"
    assert net.loss_curve_ == pytest.approx([net.loss_curve_[0]] * 4)


def test_progress_is_counted_from_the_lowest_loss(blobs) -> None:
    net = NetClassifier((8,), tol=1e-2, n_iter_no_change=5, random_state=0).fit(*blobs)
    losses = np.array(net.loss_curve_)
    gains = losses[:-1] - losses[1:]
    assert net.n_iter_ < 200
    assert (gains[-5:] < 1e-2).all()
    assert losses[-1] == losses.min(), "slow progress is kept"


def test_a_fall_after_a_rise_is_no_progress(blobs) -> None:
    class Rates:
        """A step far too large after epoch 40, and small ones again."""

        @mlpk.hookimpl
        def mlpk_epoch_end(self, fit):
            fit.lr_factor = 300.0 if fit.epoch == 40 else 1.0

    net = NetClassifier((8,), callbacks=[Rates()], n_iter_no_change=6, random_state=0)
    net.set_params(optimizer={"kind": "adam", "lr": 0.01}).fit(*blobs)
    losses = np.array(net.loss_curve_)
    assert losses[-2] > losses[-1] > losses[:40].min()
    assert net.n_iter_ == int(losses.argmin()) + 1 + 6


def test_running_out_of_epochs_is_told(blobs) -> None:
    net = NetClassifier((8,), max_iter=3, random_state=0)
    with pytest.warns(ConvergenceWarning, match="max_iter=3") as told:
        net.fit(*blobs)
    assert told[0].filename == __file__
    assert net.n_iter_ == len(net.loss_curve_) == len(net.history_) == 3


def test_a_plateau_in_the_last_epoch_is_one_and_nothing_is_told(blobs) -> None:
    still = {"kind": "sgd", "lr": 0.0}
    net = NetClassifier((), optimizer=still, n_iter_no_change=3, max_iter=4).fit(*blobs)
    assert net.n_iter_ == 4
    assert net.history_.ended == "the loss no longer comes down by tol=0.0001"
    net.set_params(warm_start=True, max_iter=3)
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        net.fit(*blobs)
    assert net.history_.ended is None


def test_without_tol_all_epochs_run_and_nothing_is_told(blobs) -> None:
    still = {"kind": "sgd", "lr": 0.0}
    assert NetClassifier((), optimizer=still, tol=None, max_iter=30).fit(*blobs).n_iter_ == 30


def test_early_stopping_keeps_the_weights_that_did_best_on_rows_held_out() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((100, 20)), rng.integers(0, 2, 100)  # nothing to learn
    net = NetClassifier(
        (50,), optimizer={"kind": "adam", "lr": 0.01}, early_stopping=True, n_iter_no_change=5,
        validation_fraction=0.4, random_state=0,
    ).fit(x, y)  # fmt: skip
    held_out = net.history_.metrics["val_loss"]
    assert net.n_iter_ == int(np.argmin(held_out)) + 1 + 5
    assert net.loss_curve_[-1] < net.loss_curve_[0] / 2, "it went on learning by heart"
    again = NetClassifier(
        (50,), optimizer={"kind": "adam", "lr": 0.01}, early_stopping=True, tol=None,
        max_iter=int(np.argmin(held_out)) + 1, validation_fraction=0.4, random_state=0,
    ).fit(x, y)  # fmt: skip
    assert np.array_equal(again.predict_proba(x), net.predict_proba(x))


def test_a_row_of_each_class_is_held_out_however_few_there_are(blobs) -> None:
    x, y = blobs
    net = NetClassifier((4,), early_stopping=True, validation_fraction=0.01, max_iter=1, tol=None)
    net.set_params(metrics=["confusion_matrix"]).fit(x, y)
    matrix = net.history_.metrics["val_confusion_matrix"][0]
    assert matrix.sum(axis=1).tolist() == [1, 1, 1]


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5, 3])
def test_a_fraction_that_is_none_is_refused(fraction, blobs) -> None:
    net = NetRegressor(early_stopping=True, validation_fraction=fraction)
    with pytest.raises(ValueError, match="validation_fraction: wanted a number between 0 and 1"):
        net.fit(*blobs)


@pytest.mark.parametrize("name", ["max_iter", "batch_size", "n_iter_no_change"])
@pytest.mark.parametrize("value", [0, 2.5, True, None])
def test_counts_are_whole_numbers(name, value, blobs) -> None:
    with pytest.raises(ValueError, match=f"{name}: wanted a whole number from 1"):
        NetClassifier().set_params(**{name: value}).fit(*blobs)


def test_batch_normalisation_works_whatever_number_of_rows_a_fold_has() -> None:
    rng = np.random.default_rng(0)
    for rows in range(2, 40):
        x = rng.standard_normal((rows, 2))
        net = NetRegressor(("batch_norm",), batch_size=4, max_iter=1, tol=None).fit(x, x[:, 0])
        assert np.isfinite(net.predict(x)).all()


def test_a_loss_that_is_not_finite_is_an_error(blobs) -> None:
    net = NetRegressor((8,), optimizer={"kind": "sgd", "lr": 1e8}, tol=None)
    with pytest.raises(mlpk.DivergedError, match="Lower the learning rate"):
        net.fit(*blobs)
