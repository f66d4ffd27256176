"""The regularizers that come with mlpk."""

from mlpk import Regularizer, hookimpl
from mlpk_plugins.regularizers.l1 import L1
from mlpk_plugins.regularizers.l2 import L2


@hookimpl
def mlpk_regularizers() -> list[type[Regularizer]]:
    """Return the regularizers."""
    return [L1, L2]
