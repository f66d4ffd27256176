"""The examples reach what was published or asked for, in full."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

PNG = b"\x89PNG\r\n\x1a\n"


def named(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("example", [name], indirect=True)


@named("mnist_two_layers")
@pytest.mark.usefixtures("real_data")
def test_two_layers_reach_97_percent_on_mnist(example: ModuleType) -> None:
    assert example.STEPS == 20_000
    assert example.train() >= 0.97


@named("mnist_optimizers")
@pytest.mark.usefixtures("real_data")
def test_five_optimizers_side_by_side(example: ModuleType, tmp_path: Path) -> None:
    losses = example.train()
    assert list(losses) == ["SGD", "Momentum", "AdaGrad", "RMSprop", "Adam"]
    assert {len(values) for values in losses.values()} == {2_000}
    first = {name: values[0] for name, values in losses.items()}
    assert len(set(first.values())) == 1, "the same first weights and batches for all"
    ends = {name: np.mean(values[-100:]) for name, values in losses.items()}
    assert max(ends, key=lambda name: ends[name]) == "SGD"
    assert ends["SGD"] < 0.45
    assert all(end < 0.21 for name, end in ends.items() if name != "SGD")
    picture = tmp_path / "losses.png"
    example.draw(losses, picture)
    assert picture.read_bytes()[:8] == PNG


@named("mnist_optimizers")
def test_smoothing_starts_without_bias(example: ModuleType) -> None:
    assert example.smoothed([2.0, 2.0, 2.0]) == pytest.approx([2.0, 2.0, 2.0])
    assert example.smoothed([1.0, 3.0], past=0.5) == pytest.approx([1.0, 7 / 3])


@named("xor_boundary")
def test_xor_is_learned_and_drawn(example: ModuleType, tmp_path: Path) -> None:
    trained = {hidden: example.train(hidden) for hidden in example.HIDDEN}
    assert list(trained) == [3, 10, 50]
    scores = {hidden: example.accuracy(model) for hidden, (model, _) in trained.items()}
    assert scores[10] >= 0.97
    assert scores[50] >= 0.97
    assert scores[3] < scores[10], "three sigmoids cannot bend around four corners"
    picture = tmp_path / "xor.png"
    example.draw(trained, picture)
    assert picture.read_bytes()[:8] == PNG


@named("cifar_batch_norm")
@pytest.mark.usefixtures("real_data")
def test_batch_normalisation_helps_on_cifar(example: ModuleType) -> None:
    assert example.EPOCHS == 10
    normalised = example.train(normalised=True)
    plain = example.train(normalised=False)
    assert len(normalised) == len(plain) == 10
    assert normalised[-1] >= 0.46
    assert normalised[-1] > plain[-1]
    kinds = [node.id for node in example.network(normalised=True).spec.nodes]
    assert kinds == ["flatten", *["dense", "batch_norm", "relu"] * 5, "dense"]
