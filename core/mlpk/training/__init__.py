"""Training: one step, the fit loop, evaluation, history, and going on where a run stopped."""

from mlpk.training.evaluation import evaluate
from mlpk.training.fit import Fit
from mlpk.training.history import History
from mlpk.training.updater import Updater

__all__ = ["Fit", "History", "Updater", "evaluate"]
