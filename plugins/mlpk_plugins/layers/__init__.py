"""The layers that come with mlpk."""

from mlpk import Layer, hookimpl
from mlpk_plugins.layers.add import Add
from mlpk_plugins.layers.batch_norm import BatchNorm
from mlpk_plugins.layers.concatenate import Concatenate
from mlpk_plugins.layers.dense import Dense
from mlpk_plugins.layers.dropout import Dropout
from mlpk_plugins.layers.flatten import Flatten
from mlpk_plugins.layers.identity import Identity
from mlpk_plugins.layers.multiply import Multiply
from mlpk_plugins.layers.relu import ReLU
from mlpk_plugins.layers.reshape import Reshape
from mlpk_plugins.layers.sigmoid import Sigmoid
from mlpk_plugins.layers.softmax import Softmax
from mlpk_plugins.layers.tanh import Tanh


@hookimpl
def mlpk_layers() -> list[type[Layer]]:
    """Return the layers."""
    return [
        Add,
        BatchNorm,
        Concatenate,
        Dense,
        Dropout,
        Flatten,
        Identity,
        Multiply,
        ReLU,
        Reshape,
        Sigmoid,
        Softmax,
        Tanh,
    ]
