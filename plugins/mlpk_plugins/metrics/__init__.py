"""The metrics that come with mlpk."""

from mlpk import Metric, hookimpl
from mlpk_plugins.metrics.accuracy import Accuracy
from mlpk_plugins.metrics.mean_absolute_error import MeanAbsoluteError
from mlpk_plugins.metrics.top_k_accuracy import TopKAccuracy


@hookimpl
def mlpk_metrics() -> list[type[Metric]]:
    """Return the metrics."""
    return [Accuracy, MeanAbsoluteError, TopKAccuracy]
