"""The metrics that come with mlpk."""

from mlpk import Metric, hookimpl
from mlpk_plugins.metrics.accuracy import Accuracy
from mlpk_plugins.metrics.confusion_matrix import ConfusionMatrix
from mlpk_plugins.metrics.f1 import F1
from mlpk_plugins.metrics.mean_absolute_error import MeanAbsoluteError
from mlpk_plugins.metrics.mean_squared_error import MeanSquaredError
from mlpk_plugins.metrics.per_class_accuracy import PerClassAccuracy
from mlpk_plugins.metrics.precision import Precision
from mlpk_plugins.metrics.r2 import R2
from mlpk_plugins.metrics.recall import Recall
from mlpk_plugins.metrics.roc_auc import RocAuc
from mlpk_plugins.metrics.top_k_accuracy import TopKAccuracy


@hookimpl
def mlpk_metrics() -> list[type[Metric]]:
    """Return the metrics."""
    return [
        Accuracy,
        ConfusionMatrix,
        F1,
        MeanAbsoluteError,
        MeanSquaredError,
        PerClassAccuracy,
        Precision,
        R2,
        Recall,
        RocAuc,
        TopKAccuracy,
    ]
