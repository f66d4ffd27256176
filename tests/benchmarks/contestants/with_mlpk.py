"""mlpk: `fit`, and `predict`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contestants.contestant import Contestant, Ran
from net import KERNEL, POOL, Net, Part
from workload import Workload

import mlpk

__all__ = ["WithMlpk", "model_of"]


class WithMlpk(Contestant):
    """A window is a `fit` of whole epochs, and for what is left another on rows that come next."""

    @staticmethod
    def lacks(_: Workload) -> str | None:
        return None

    def __init__(self, workload: Workload, threads: int) -> None:
        self.model = model_of(workload.net)
        self.batch = workload.batch
        self.next = 0  # the batch where the next part of an epoch begins
        self.x, self.y = workload.data()
        self.optimizer = None
        if workload.optimizer is not None:
            made = mlpk.optimizers[workload.optimizer](lr=0.001)
            self.optimizer = made.attach(self.model)  # so that it goes on from fit to fit

    @property
    def parameters(self) -> int:
        return sum(param.size for param in self.model.params.values())

    def run(self, steps: int) -> Ran:
        if self.optimizer is None:
            for _ in range(steps):
                self.model.predict(self.x)
            return Ran(steps, None)
        whole = len(self.x) // self.batch
        epochs, rest = divmod(steps, whole)
        loss = self._fit(0, whole, epochs) if epochs else 0.0
        if rest:
            first = 0 if self.next + rest > whole else self.next
            loss = self._fit(first, rest, 1)
            self.next = first + rest
        return Ran(steps, loss)

    def kill(self) -> None:
        """Switch half of the hidden units of a network with one hidden layer off, for ever."""
        bias = self.model.params["dense/bias"]
        bias[: len(bias) // 2] = -1e6

    def _fit(self, first: int, batches: int, epochs: int) -> float:
        rows = slice(first * self.batch, (first + batches) * self.batch)
        history = self.model.fit(
            self.x[rows], self.y[rows], loss="softmax_cross_entropy", optimizer=self.optimizer,
            epochs=epochs, batch_size=self.batch, progress=False,
        )  # fmt: skip
        return float(history.metrics["loss"][-1])


def model_of(net: Net) -> mlpk.Model:
    """Return a network of mlpk."""
    made: dict[str, Callable[[Part], Any]] = {
        "dense": lambda part: mlpk.layers.dense(units=part.width, bias=part.bias),
        "conv": lambda part: mlpk.layers.conv2d(
            filters=part.width, kernel_size=KERNEL, padding="same", bias=part.bias
        ),
        "lstm": lambda part: mlpk.layers.lstm(units=part.width),
        "pool": lambda _: mlpk.layers.max_pool2d(kernel_size=POOL),
    }
    layers = [made[part.kind](part) if part.kind in made else part.kind for part in net.parts]
    return mlpk.Model(layers, input_shape=net.shape, seed=0)
