"""The networks among the examples learn, and are built as their papers say."""

from __future__ import annotations

from collections import Counter
from types import ModuleType

import numpy as np
import pytest

import mlpk


def named(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("example", [name], indirect=True)


def kinds(model: mlpk.Model) -> Counter[str]:
    return Counter(node.layer.kind for node in model.graph.nodes.values())


@named("lenet_mnist")
@pytest.mark.usefixtures("real_data")
def test_lenet_reaches_98_5_percent_in_two_epochs(example: ModuleType) -> None:
    assert (example.ROWS, example.EPOCHS) == (60_000, 2)
    model, history = example.train()
    assert len(history.metrics["loss"]) == 2
    assert example.accuracy(model) >= 0.985


@named("lenet_mnist")
def test_lenet_has_the_published_sizes(example: ModuleType) -> None:
    params = example.network().params
    sizes: Counter[str] = Counter()
    for name in params:
        sizes[name.split("/")[0]] += params[name].size
    assert sizes["conv2d"] == 156, "the layer C1 of the paper"
    assert sizes["dense"] == 48_120, "the layer C5 of the paper"
    assert sizes["dense_1"] == 10_164, "the layer F6 of the paper"


@pytest.mark.parametrize("example", ["vgg_cifar", "resnet_cifar", "inception_cifar"], indirect=True)
@pytest.mark.usefixtures("real_data")
def test_a_small_part_of_cifar_is_learned(example: ModuleType) -> None:
    model, history = example.train(rows=1_500, epochs=2)
    first, second = history.metrics["loss"]
    assert second < first - 0.15
    _, _, x, y = mlpk.datasets.cifar10(batches=1)
    scores = model.evaluate(x[:1_000], y[:1_000], metrics=["accuracy"])
    assert scores["accuracy"] >= 0.27, "chance gives 0.10"


@named("vgg_cifar")
def test_vgg_normalises_each_convolution_and_halves_after_each_pair(example: ModuleType) -> None:
    found = kinds(example.network())
    assert found["conv2d"] == found["batch_norm"] == found["relu"] == 6
    assert found["max_pool2d"] == 3


@named("resnet_cifar")
def test_each_residual_block_adds_what_it_was_given(example: ModuleType) -> None:
    nodes = example.network().graph.nodes
    sums = [node for node in nodes.values() if node.layer.kind == "add"]
    assert [node.shape for node in sums] == [(32, 32, 16), (16, 16, 32), (8, 8, 64)]
    given = [nodes[node.inputs[0]].layer.kind for node in sums]
    assert given == ["relu", "batch_norm", "batch_norm"], "the first as it is, then projected"


@named("inception_cifar")
def test_each_branch_of_inception_is_normalised(example: ModuleType) -> None:
    model = example.network()
    nodes = model.graph.nodes
    assert kinds(model)["conv2d"] == kinds(model)["batch_norm"] == 7
    sizes = []
    for relu in nodes["concatenate"].inputs:
        (norm,) = nodes[relu].inputs
        (convolution,) = nodes[norm].inputs
        assert nodes[norm].layer.kind == "batch_norm"
        sizes.append(nodes[convolution].layer.kernel_size)
    assert sizes == [1, 3, 5, 1]


@named("lstm_sequence")
def test_an_lstm_learns_the_order_of_two_symbols(example: ModuleType) -> None:
    model, history = example.train()
    assert history.metrics["loss"][-1] < 0.1
    assert example.accuracy(model, rows=1_000) >= 0.95, "chance gives 0.25"


@named("lstm_sequence")
def test_two_places_alone_tell_the_class_of_a_sequence(example: ModuleType) -> None:
    x, y = example.data(200, seed=3)
    assert x.shape == (200, 100)
    assert set(y) == {0, 1, 2, 3}
    for sequence, label in zip(x, y, strict=True):
        first, second = np.flatnonzero(sequence >= 4)
        assert 10 <= first < 20
        assert 50 <= second < 60
        assert label == 2 * (sequence[first] == 5) + (sequence[second] == 5)
