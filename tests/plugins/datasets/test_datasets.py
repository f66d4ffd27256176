"""The family's hook."""

from __future__ import annotations

import inspect

from mlpk_plugins.datasets import mlpk_datasets


def test_the_hook_returns_every_dataset_under_its_name() -> None:
    found = mlpk_datasets()
    assert sorted(dataset.__name__ for dataset in found) == [
        "cifar10",
        "digits",
        "fashion_mnist",
        "mnist",
        "spirals",
        "xor",
    ]
    assert all(inspect.isfunction(dataset) for dataset in found)


def test_every_dataset_can_be_called_without_arguments() -> None:
    for dataset in mlpk_datasets():
        inspect.signature(dataset).bind()
