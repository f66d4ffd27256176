"""The learning-rate schedules that come with mlpk."""

from mlpk import Schedule, hookimpl
from mlpk_plugins.schedules.constant import Constant
from mlpk_plugins.schedules.cosine import Cosine
from mlpk_plugins.schedules.exponential import Exponential
from mlpk_plugins.schedules.piecewise import Piecewise
from mlpk_plugins.schedules.step import Step


@hookimpl
def mlpk_schedules() -> list[type[Schedule]]:
    """Return the schedules."""
    return [Constant, Cosine, Exponential, Piecewise, Step]
