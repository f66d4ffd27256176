"""The losses that come with mlpk."""

from mlpk import Loss, hookimpl
from mlpk_plugins.losses.binary_cross_entropy import BinaryCrossEntropy
from mlpk_plugins.losses.cosine_similarity import CosineSimilarity
from mlpk_plugins.losses.cross_entropy import CrossEntropy
from mlpk_plugins.losses.focal import Focal
from mlpk_plugins.losses.hinge import Hinge
from mlpk_plugins.losses.huber import Huber
from mlpk_plugins.losses.kl_divergence import KLDivergence
from mlpk_plugins.losses.log_cosh import LogCosh
from mlpk_plugins.losses.mean_absolute_error import MeanAbsoluteError
from mlpk_plugins.losses.mean_squared_error import MeanSquaredError
from mlpk_plugins.losses.poisson import Poisson
from mlpk_plugins.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from mlpk_plugins.losses.squared_hinge import SquaredHinge
from mlpk_plugins.losses.triplet import Triplet


@hookimpl
def mlpk_losses() -> list[type[Loss]]:
    """Return the losses."""
    return [
        BinaryCrossEntropy,
        CosineSimilarity,
        CrossEntropy,
        Focal,
        Hinge,
        Huber,
        KLDivergence,
        LogCosh,
        MeanAbsoluteError,
        MeanSquaredError,
        Poisson,
        SoftmaxCrossEntropy,
        SquaredHinge,
        Triplet,
    ]
