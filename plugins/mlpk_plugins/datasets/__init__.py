"""The datasets that come with mlpk."""

from collections.abc import Callable
from typing import Any

from mlpk import hookimpl
from mlpk_plugins.datasets.cifar10 import cifar10
from mlpk_plugins.datasets.digits import digits
from mlpk_plugins.datasets.fashion_mnist import fashion_mnist
from mlpk_plugins.datasets.mnist import mnist
from mlpk_plugins.datasets.spirals import spirals
from mlpk_plugins.datasets.xor import xor


@hookimpl
def mlpk_datasets() -> list[Callable[..., Any]]:
    """Return the dataset functions."""
    return [cifar10, digits, fashion_mnist, mnist, spirals, xor]
