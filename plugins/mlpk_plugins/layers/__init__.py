"""The layers that come with mlpk."""

from mlpk import Layer, hookimpl
from mlpk_plugins.layers.dense import Dense


@hookimpl
def mlpk_layers() -> list[type[Layer]]:
    """Return the layers."""
    return [Dense]
