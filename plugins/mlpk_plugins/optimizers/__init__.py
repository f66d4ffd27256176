"""The optimizers that come with mlpk."""

from mlpk import Optimizer, hookimpl
from mlpk_plugins.optimizers.adagrad import AdaGrad
from mlpk_plugins.optimizers.adam import Adam
from mlpk_plugins.optimizers.adamw import AdamW
from mlpk_plugins.optimizers.momentum import Momentum
from mlpk_plugins.optimizers.rmsprop import RMSprop
from mlpk_plugins.optimizers.sgd import SGD


@hookimpl
def mlpk_optimizers() -> list[type[Optimizer]]:
    """Return the optimizers."""
    return [AdaGrad, Adam, AdamW, Momentum, RMSprop, SGD]
