"""The callbacks that come with mlpk."""

from typing import Any

from mlpk import hookimpl
from mlpk_plugins.callbacks.checkpoint import Checkpoint
from mlpk_plugins.callbacks.early_stopping import EarlyStopping
from mlpk_plugins.callbacks.moving_average import MovingAverage
from mlpk_plugins.callbacks.progress import Progress
from mlpk_plugins.callbacks.reduce_on_plateau import ReduceOnPlateau


@hookimpl
def mlpk_callbacks() -> list[type[Any]]:
    """Return the callbacks."""
    return [
        Checkpoint,
        EarlyStopping,
        MovingAverage,
        Progress,
        ReduceOnPlateau,
    ]
