"""scikit-learn: MLPClassifier, whose own `fit` runs the epochs."""

from __future__ import annotations

import warnings

import numpy as np
from contestants.contestant import Contestant, Ran
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from workload import Workload

__all__ = ["WithSklearn"]

NEVER = 10**9


class WithSklearn(Contestant):
    """A window is a `fit` of whole epochs that goes on from the weights there are."""

    @staticmethod
    def lacks(workload: Workload) -> str | None:
        return None if workload.net.dense_only else "has dense layers only"

    def __init__(self, workload: Workload, threads: int) -> None:
        net = workload.net
        self.trains = workload.trains
        self.x, y = workload.data()
        # With two columns of targets it puts out two units, where labels of two classes get one.
        self.y = np.eye(net.classes, dtype=np.int64)[y] if net.classes == 2 else y
        self.per_epoch = max(1, workload.rows // workload.batch)
        self.net = MLPClassifier(
            hidden_layer_sizes=[part.width for part in net.parts[:-1] if part.kind == "dense"],
            solver=workload.optimizer or "sgd", momentum=0.0, nesterovs_momentum=False, alpha=0.0,
            learning_rate_init=0.001, batch_size=workload.batch, max_iter=1, tol=0.0,
            n_iter_no_change=NEVER, warm_start=True, random_state=0,
        )  # fmt: skip
        if not self.trains:  # it predicts once it has seen every class
            rows = np.resize(self.x, (net.classes, *net.shape))
            self._fit(rows, np.arange(net.classes))

    @property
    def parameters(self) -> int:
        if not hasattr(self.net, "coefs_"):
            self._fit(self.x, self.y)
        return sum(array.size for array in (*self.net.coefs_, *self.net.intercepts_))

    def run(self, steps: int) -> Ran:
        if not self.trains:
            for _ in range(steps):
                self.net.predict_proba(self.x)
            return Ran(steps, None)
        epochs = -(-steps // self.per_epoch)
        self.net.set_params(max_iter=epochs)
        self._fit(self.x, self.y)
        return Ran(epochs * self.per_epoch, float(self.net.loss_))

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # of so few epochs
            warnings.simplefilter("ignore", UserWarning)  # of a batch larger than the data
            self.net.fit(x, y)
