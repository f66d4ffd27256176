"""A network that gives numbers."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import Tags

from mlpk_sklearn.net import Net
from mlpk_sklearn.rows import Rows
from mlpk_sklearn.weights import row_weights

__all__ = ["NetRegressor"]

Array = NDArray[Any]


class NetRegressor(RegressorMixin, Net):
    """A regressor whose hidden layers are mlpk's, by name, as mappings or as instances.

    Input and output follow from the data: the features come in, a dense layer with one number a
    target goes out, `mean_squared_error` compares it with y (n,) or (n, targets). Networks train
    best on targets of about unit size; `TransformedTargetRegressor` scales them.

    Parameters
    ----------
    loss : name, mapping or instance, default="mean_squared_error"
        Any loss of numbers, such as "huber".

    All others, and the attributes, are those of `NetClassifier`; what it says of classes does not
    apply.

    """

    def __init__(
        self,
        layers: Any = (100,),
        *,
        optimizer: Any = "adam",
        loss: Any = "mean_squared_error",
        regularizer: Any = None,
        input_shape: Any = None,
        batch_size: int = 200,
        max_iter: int = 200,
        tol: float | None = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        shuffle: bool = True,
        warm_start: bool = False,
        metrics: Any = (),
        callbacks: Any = (),
        dtype: Any = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.layers = layers
        self.optimizer = optimizer
        self.loss = loss
        self.regularizer = regularizer
        self.input_shape = input_shape
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.shuffle = shuffle
        self.warm_start = warm_start
        self.metrics = metrics
        self.callbacks = callbacks
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows X (n, features) with targets y (n,) or (n, targets); return the estimator."""
        going_on = self._goes_on()
        x, y = self._targeted(X, y, reset=not going_on)
        weight = row_weights(sample_weight, None, y)
        if going_on:
            self._attach()
        else:
            self._start_for(x, y)
        self._train(Rows.of(self._shaped(x), y, weight), strata=None)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on these rows for one epoch, from where the network and its optimizer are."""
        first = not hasattr(self, "model_")
        x, y = self._targeted(X, y, reset=first)
        weight = row_weights(sample_weight, None, y)
        if first:
            self._start_for(x, y)
        self._train_one_epoch(Rows.of(self._shaped(x), y, weight))
        return self

    def predict(self, X: Any) -> Array:
        """Return the numbers for each row, in the shape of the targets of `fit`."""
        output = self._output(X)
        return output[:, 0] if self._flat else output

    def _start_for(self, x: Array, y: Array) -> None:
        self._start(x, 1 if y.ndim == 1 else y.shape[1])
        self._flat = y.ndim == 1

    def _targeted(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        x, y = self._read(X, y, reset=reset, multi_output=True, y_numeric=True)
        return x, np.asarray(y, x.dtype)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
