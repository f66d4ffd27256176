"""The losses that come with mlpk."""

from mlpk import Loss, hookimpl
from mlpk_plugins.losses.binary_cross_entropy import BinaryCrossEntropy
from mlpk_plugins.losses.cross_entropy import CrossEntropy
from mlpk_plugins.losses.mean_squared_error import MeanSquaredError
from mlpk_plugins.losses.softmax_cross_entropy import SoftmaxCrossEntropy


@hookimpl
def mlpk_losses() -> list[type[Loss]]:
    """Return the losses."""
    return [BinaryCrossEntropy, CrossEntropy, MeanSquaredError, SoftmaxCrossEntropy]
