"""What classifier and regressor share: reading data, training, and pickles."""

from __future__ import annotations

import warnings
from math import ceil
from numbers import Integral
from typing import Any

import mlpk
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from mlpk_sklearn.network import network, row_shape
from mlpk_sklearn.plateau import Plateau
from mlpk_sklearn.rows import Rows
from mlpk_sklearn.slots import attached, remembered

__all__ = ["Net"]

Array = NDArray[Any]


class Net(BaseEstimator):
    """A network as an estimator; `NetClassifier` and `NetRegressor` say what it is trained on."""

    def _read(self, X: Any, *y: Any, reset: bool, **checks: Any) -> Any:
        """Return X, and y if given, as scikit-learn checks them, in the dtype of the network."""
        if not reset:
            dtype: Any = self.model_.dtype
        elif self.dtype is None:
            dtype = (np.float64, np.float32)  # these stay as they are, others become the first
        else:
            dtype = self.dtype
        return validate_data(self, X, *y, reset=reset, dtype=dtype, **checks)

    def _goes_on(self) -> bool:
        return bool(self.warm_start) and hasattr(self, "model_")

    def _start(self, x: Array, outputs: int) -> None:
        """Draw a new network for these rows."""
        self._random_state = check_random_state(self.random_state)
        shape = row_shape(x.shape[1], self.input_shape)
        self.model_ = network(
            self.layers, shape, outputs, dtype=x.dtype.name, seed=self._next_seed()
        )
        self._attach()
        self.history_ = mlpk.History()

    def _attach(self) -> None:
        self._optimizer = mlpk.Optimizer.of(self.optimizer, "optimizer").attach(self.model_)

    def _next_seed(self) -> int:
        return int(self._random_state.randint(np.iinfo(np.int32).max))

    def _train(self, rows: Rows, strata: Array | None) -> None:
        """Train until nothing is gained any more, or for `max_iter` epochs."""
        epochs = _count("max_iter", self.max_iter)
        patience = _count("n_iter_no_change", self.n_iter_no_change)
        validation: Rows | None = None
        ends: list[Any] = []
        if self.early_stopping:
            rows, validation = self._split(rows, strata)
            least = self.tol or 0.0
            ends.append(mlpk.callbacks.early_stopping(patience=patience, min_delta=least))
        elif self.tol is not None:
            ends.append(Plateau(self.tol, patience))
        self._run(rows, epochs=epochs, validation=validation, ends=ends)
        if self.tol is not None and self.history_.ended is None:
            warnings.warn(
                f"training still gained after max_iter={epochs} epochs; raise max_iter, or pass "
                "tol=None if just so many are wanted",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _train_one_epoch(self, rows: Rows) -> None:
        """Train for one epoch; the optimizer goes on where it was, unless another is wanted now."""
        if self._optimizer.optimizer != mlpk.Optimizer.of(self.optimizer, "optimizer"):
            self._attach()
        self._run(rows, epochs=1, validation=None, ends=[])

    def _split(self, rows: Rows, strata: Array | None) -> tuple[Rows, Rows]:
        """Return the rows to train on and those held out, at least one of each class."""
        if not 0 < self.validation_fraction < 1:
            problem = f"wanted a number between 0 and 1, found {self.validation_fraction!r}"
            raise mlpk.ConfigError("validation_fraction", problem)
        size = ceil(self.validation_fraction * len(rows.x))
        if strata is not None:
            size = max(size, len(np.unique(strata)))
        if size >= len(rows.x):
            problem = f"would hold out {size} of n_samples={len(rows.x)} and leave none to train on"
            raise mlpk.ConfigError("early_stopping", problem)
        kept, held = train_test_split(
            np.arange(len(rows.x)),
            test_size=size,
            stratify=strata,
            random_state=self._next_seed(),
        )
        return rows.at(kept), rows.at(held)

    def _run(self, rows: Rows, *, epochs: int, validation: Rows | None, ends: list[Any]) -> None:
        """Train, and put what was seen into the history, and why it ended if that was before time."""
        run = self.model_.fit(
            rows.x,
            rows.y,
            weight=rows.weight,
            loss=self.loss,
            optimizer=self._optimizer,
            regularizer=self.regularizer,
            epochs=epochs,
            batch_size=_batch_size(len(rows.x), _count("batch_size", self.batch_size)),
            shuffle=self.shuffle,
            validation=None if validation is None else tuple(validation),
            metrics=self.metrics,
            callbacks=[*self.callbacks, *ends],
            progress=bool(self.verbose),
            seed=self._next_seed(),
        )
        for name, values in run.metrics.items():
            self.history_.metrics.setdefault(name, []).extend(values)
        self.history_.seconds += run.seconds
        self.history_.ended = run.ended
        self.loss_curve_ = self.history_.metrics["loss"]
        self.n_iter_ = len(self.loss_curve_)

    def _shaped(self, x: Array) -> Array:
        """Return rows in the shape in which the network takes them."""
        return x.reshape(-1, *self.model_.spec.inputs[0].shape)

    def _output(self, X: Any) -> Array:
        """Return what the network says to new rows."""
        check_is_fitted(self, "model_")
        output: Array = self.model_.predict(self._shaped(self._read(X, reset=False)))
        return output

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, with the network as the bytes of a .mlpk file."""
        state: dict[str, Any] = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = mlpk.dumps(self.model_)
            state["_optimizer"] = remembered(self._optimizer)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "model_" in state:
            self.model_ = mlpk.loads(state["model_"])
            self._optimizer = attached(state["_optimizer"], self.model_)


def _batch_size(rows: int, wanted: int) -> int:
    """Return the batch size, larger where the last batch of an epoch would be a single row.

    Batch normalisation cannot train on one, and how many rows a fold has is nobody's choice.
    """
    size = min(wanted, rows)
    while rows % size == 1 and size > 1:
        size += 1
    return size


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise mlpk.ConfigError(name, f"wanted a whole number from 1, found {value!r}")
    return int(value)
