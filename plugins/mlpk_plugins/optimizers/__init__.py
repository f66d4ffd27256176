"""The optimizers that come with mlpk."""

from mlpk import Optimizer, hookimpl
from mlpk_plugins.optimizers.adadelta import Adadelta
from mlpk_plugins.optimizers.adagrad import AdaGrad
from mlpk_plugins.optimizers.adam import Adam
from mlpk_plugins.optimizers.adamax import AdaMax
from mlpk_plugins.optimizers.adamw import AdamW
from mlpk_plugins.optimizers.lamb import LAMB
from mlpk_plugins.optimizers.lars import LARS
from mlpk_plugins.optimizers.lion import Lion
from mlpk_plugins.optimizers.momentum import Momentum
from mlpk_plugins.optimizers.muon import Muon
from mlpk_plugins.optimizers.nadam import Nadam
from mlpk_plugins.optimizers.radam import RAdam
from mlpk_plugins.optimizers.rmsprop import RMSprop
from mlpk_plugins.optimizers.sgd import SGD


@hookimpl
def mlpk_optimizers() -> list[type[Optimizer]]:
    """Return the optimizers."""
    return [
        Adadelta,
        AdaGrad,
        Adam,
        AdaMax,
        AdamW,
        LAMB,
        LARS,
        Lion,
        Momentum,
        Muon,
        Nadam,
        RAdam,
        RMSprop,
        SGD,
    ]
