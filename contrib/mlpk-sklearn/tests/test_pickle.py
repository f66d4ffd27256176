"""Pickles and copies."""

from __future__ import annotations

import copy
import pickle

import joblib
import mlpk
import numpy as np
import pytest
from sklearn.base import clone

from mlpk_sklearn import NetClassifier, NetRegressor


def through_pickle(estimator, _folder):
    return pickle.loads(pickle.dumps(estimator))


def through_joblib(estimator, folder):
    joblib.dump(estimator, folder / "net.joblib")
    return joblib.load(folder / "net.joblib")


def through_copy(estimator, _folder):
    return copy.deepcopy(estimator)


WAYS = pytest.mark.parametrize("again", [through_pickle, through_joblib, through_copy])
LAYERS = (8, "batch_norm", {"kind": "dropout", "rate": 0.2}, 6)


@WAYS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions_come_back_bit_for_bit(again, dtype, blobs, tmp_path) -> None:
    x, y = blobs
    settings = {"dtype": dtype, "max_iter": 3, "tol": None, "batch_size": 16}
    classifier = NetClassifier(LAYERS, **settings).fit(x, np.array(["a", "b", "c"])[y])
    back = again(classifier, tmp_path)
    assert back.predict_proba(x).tobytes() == classifier.predict_proba(x).tobytes()
    assert back.predict(x).tolist() == classifier.predict(x).tolist()
    assert back.history_ == classifier.history_
    assert back.get_params() == classifier.get_params()
    regressor = NetRegressor(LAYERS, **settings).fit(x, y)
    assert again(regressor, tmp_path).predict(x).tobytes() == regressor.predict(x).tobytes()


@WAYS
def test_training_goes_on_as_if_nothing_had_been(again, blobs, tmp_path) -> None:
    def network():
        return NetClassifier(LAYERS, batch_size=16, random_state=0).partial_fit(*blobs, [0, 1, 2])

    straight, back = network(), again(network(), tmp_path)
    for _ in range(3):
        straight.partial_fit(*blobs)
        back.partial_fit(*blobs)
    for name, array in straight.model_.params.items():
        assert np.array_equal(back.model_.params[name], array), name
    assert back.loss_curve_ == straight.loss_curve_


def test_the_pickle_holds_the_bytes_of_a_file(blobs) -> None:
    net = NetClassifier((4,), max_iter=1, tol=None).fit(*blobs)
    data = net.__getstate__()["model_"]
    assert data == mlpk.dumps(net.model_)
    assert np.array_equal(mlpk.loads(data).predict(blobs[0]), net.model_.predict(blobs[0]))
    assert isinstance(net.model_, mlpk.Model), "the estimator itself stays as it was"


def test_damage_to_the_network_is_found(blobs) -> None:
    net = NetClassifier((4,), max_iter=1, tol=None).fit(*blobs)
    data = pickle.dumps(net)
    weights = net.model_.params["dense/weight"].tobytes()
    place = data.index(weights)
    with pytest.raises(mlpk.FileFormatError):
        pickle.loads(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])


def test_an_estimator_that_saw_no_data_is_pickled_too() -> None:
    back = pickle.loads(pickle.dumps(NetClassifier(LAYERS, random_state=1)))
    assert back.get_params() == NetClassifier(LAYERS, random_state=1).get_params()
    assert not hasattr(back, "model_")


def test_a_clone_has_the_settings_and_nothing_learned(blobs) -> None:
    layers = [mlpk.layers.dense(units=3).named("head"), "relu", 4]
    net = NetClassifier(layers, optimizer=mlpk.optimizers.adam(lr=0.1), max_iter=1, tol=None)
    fresh = clone(net.fit(*blobs))
    assert not hasattr(fresh, "model_")
    assert fresh.optimizer == net.optimizer
    assert "head/weight" in fresh.fit(*blobs).model_.params
