"""mlpk-swish: the layer swish, for mlpk."""

from mlpk import hookimpl

from mlpk_swish.swish import Swish

__all__ = ["Swish"]


@hookimpl
def mlpk_layers() -> list[type[Swish]]:
    """Return the layers that this plugin brings."""
    return [Swish]
