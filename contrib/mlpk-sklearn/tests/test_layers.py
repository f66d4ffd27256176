"""From `layers` to a network."""

from __future__ import annotations

import mlpk
import numpy as np
import pytest

from mlpk_sklearn import NetClassifier, NetRegressor


def kinds(model: mlpk.Model) -> list[str]:
    return [node.id for node in model.spec.nodes]


def test_names_mappings_instances_and_numbers(blobs) -> None:
    layers = ["batch_norm", {"kind": "dense", "units": 7}, "tanh", mlpk.layers.dense(units=6), 5]
    model = NetClassifier(layers, max_iter=1, tol=None).fit(*blobs).model_
    assert kinds(model) == ["batch_norm", "dense", "tanh", "dense", "dense", "relu", "dense"]
    shapes = [array.shape for name, array in model.params.items() if name.endswith("weight")]
    assert shapes == [(4, 7), (7, 6), (6, 5), (5, 3)]


def test_nodes_keep_their_names_and_the_last_is_the_output(blobs) -> None:
    layers = [{"kind": "dense", "units": 2, "name": "wide"}, mlpk.layers.relu().named("bend")]
    model = NetClassifier(layers, max_iter=1, tol=None).fit(*blobs).model_
    assert [node.name for node in model.spec.nodes] == ["wide", "bend", "output"]


def test_no_hidden_layer_is_softmax_regression(blobs) -> None:
    model = NetClassifier((), max_iter=1, tol=None).fit(*blobs).model_
    assert kinds(model) == ["dense"]


def test_rows_become_images(digits) -> None:
    x, y, x_test, y_test = digits
    layers = [
        {"kind": "conv2d", "filters": 8, "kernel_size": 3},
        "relu",
        {"kind": "max_pool2d", "kernel_size": 2},
    ]
    images = NetClassifier(
        layers, input_shape=(8, 8, 1), max_iter=15, tol=None, batch_size=32, random_state=0,
        optimizer={"kind": "adam", "lr": 0.005}, dtype="float32",
    )  # fmt: skip
    images.fit(x, y)
    assert images.model_.params["output/weight"].shape == (3 * 3 * 8, 10)
    assert images.score(x_test, y_test) > 0.95
    pixels = x_test.reshape(-1, 8, 8, 1)
    assert np.array_equal(images.model_.predict(pixels).argmax(axis=1), images.predict(x_test))


def test_a_shape_that_does_not_hold_the_features_is_refused(blobs) -> None:
    with pytest.raises(ValueError, match=r"input_shape: \(2, 3\) holds 6 .* X has 4 features"):
        NetClassifier(input_shape=(2, 3)).fit(*blobs)


@pytest.mark.parametrize("layers", ["relu", 100, None, {"kind": "relu"}, mlpk.layers.relu()])
def test_what_is_no_list_is_refused_with_an_example(layers, blobs) -> None:
    with pytest.raises(mlpk.ConfigError, match=r"layers: wanted a list .* such as \[100\]"):
        NetClassifier(layers).fit(*blobs)


def test_a_number_of_numpy_s_is_shown_as_a_number(blobs) -> None:
    with pytest.raises(mlpk.ConfigError, match=r"found 100$"):
        NetClassifier(np.int64(100)).fit(*blobs)


def test_an_unknown_name_is_told_with_the_nearest(blobs) -> None:
    with pytest.raises(mlpk.UnknownKindError, match="batch_norm"):
        NetClassifier(["batch_nrom"]).fit(*blobs)


@pytest.mark.parametrize(
    ("given", "wanted", "found"),
    [
        (np.float32, None, "float32"),
        (np.float64, None, "float64"),
        (np.int64, None, "float64"),
        (np.float16, None, "float64"),
        (np.float64, "float32", "float32"),
        (np.float32, "float64", "float64"),
    ],
)
def test_the_network_has_the_dtype_of_the_data_or_the_one_wanted(given, wanted, found) -> None:
    x = np.arange(12).reshape(6, 2).astype(given)
    regressor = NetRegressor((3,), dtype=wanted, max_iter=1, tol=None).fit(x, x[:, 0])
    assert regressor.model_.dtype == found
    assert regressor.predict(x.astype(np.float64)).dtype == found


def test_equal_random_states_make_equal_networks_and_others_do_not(blobs) -> None:
    def weights(random_state):
        net = NetClassifier((5, {"kind": "dropout", "rate": 0.5}), max_iter=3, tol=None)
        fitted = net.set_params(random_state=random_state, batch_size=16).fit(*blobs)
        return np.concatenate([array.ravel() for array in fitted.model_.params.values()])

    assert np.array_equal(weights(3), weights(3))
    assert np.array_equal(weights(np.random.RandomState(3)), weights(3))
    assert not np.array_equal(weights(4), weights(3))
    state = np.random.RandomState(3)
    assert not np.array_equal(weights(state), weights(state)), "a shared state goes on"
