"""The learning-rate schedules that come with mlpk."""

from mlpk import Schedule, hookimpl
from mlpk_plugins.schedules.constant import Constant
from mlpk_plugins.schedules.cosine import Cosine
from mlpk_plugins.schedules.cosine_restarts import CosineRestarts
from mlpk_plugins.schedules.exponential import Exponential
from mlpk_plugins.schedules.inverse_time import InverseTime
from mlpk_plugins.schedules.one_cycle import OneCycle
from mlpk_plugins.schedules.piecewise import Piecewise
from mlpk_plugins.schedules.polynomial import Polynomial
from mlpk_plugins.schedules.step import Step
from mlpk_plugins.schedules.warmup import Warmup


@hookimpl
def mlpk_schedules() -> list[type[Schedule]]:
    """Return the schedules."""
    return [
        Constant,
        Cosine,
        CosineRestarts,
        Exponential,
        InverseTime,
        OneCycle,
        Piecewise,
        Polynomial,
        Step,
        Warmup,
    ]
