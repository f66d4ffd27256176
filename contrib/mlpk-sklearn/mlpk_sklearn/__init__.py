"""mlpk networks as scikit-learn estimators: `NetClassifier` and `NetRegressor`."""

from mlpk_sklearn.classifier import NetClassifier
from mlpk_sklearn.regressor import NetRegressor

__all__ = ["NetClassifier", "NetRegressor"]
