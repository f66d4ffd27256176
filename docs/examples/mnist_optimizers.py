"""Five optimizers side by side on MNIST: 784-100-10, 2,000 steps of 128, one picture.

Run it with `python docs/examples/mnist_optimizers.py`; it writes mnist_optimizers.png. It needs
MNIST (under MLPK_DATA, or `python -m pip install "mlpk[data]"`) and matplotlib ("mlpk[plot]").
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

import mlpk

STEPS = 2_000
BATCH = 128
OPTIMIZERS = {
    "SGD": mlpk.optimizers.sgd(lr=0.01),
    "Momentum": mlpk.optimizers.momentum(lr=0.01),
    "AdaGrad": mlpk.optimizers.adagrad(lr=0.01),
    "RMSprop": mlpk.optimizers.rmsprop(lr=0.001),
    "Adam": mlpk.optimizers.adam(lr=0.001),
}


class LossOfEachStep:
    """A callback: it keeps the loss of every batch."""

    def __init__(self) -> None:
        self.values: list[float] = []

    @mlpk.hookimpl
    def mlpk_batch_end(self, fit: object) -> None:
        """Take the loss from the run's logs."""
        self.values.append(fit.logs["loss"])  # type: ignore[attr-defined] # a Fit, as every hook gets


def random_batches(
    x: np.ndarray, y: np.ndarray, steps: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the same batches, drawn at random, for every optimizer."""
    rng = np.random.default_rng(0)
    for _ in range(steps):
        rows = rng.integers(len(x), size=BATCH)
        yield x[rows], y[rows]


def train(steps: int = STEPS) -> dict[str, list[float]]:
    """Return the loss of each step under each optimizer, from the same first weights."""
    x, y, _, _ = mlpk.datasets.mnist()
    losses = {}
    for name, optimizer in OPTIMIZERS.items():
        model = mlpk.Model(
            [
                "flatten",
                mlpk.layers.dense(units=100, init="he_normal"),
                "relu",
                mlpk.layers.dense(units=10),
            ],
            input_shape=(28, 28, 1),
            seed=0,
        )
        watch = LossOfEachStep()
        model.fit(
            random_batches(x, y, steps),
            loss="softmax_cross_entropy",
            optimizer=optimizer,
            callbacks=[watch],
            progress=False,
        )
        losses[name] = watch.values
    return losses


def smoothed(values: list[float], past: float = 0.95) -> np.ndarray:
    """Return the exponential moving average of a curve, started without bias."""
    averages, total, weight = [], 0.0, 0.0
    for value in values:
        total = past * total + (1 - past) * value
        weight = past * weight + (1 - past)
        averages.append(total / weight)
    return np.array(averages)


def draw(losses: dict[str, list[float]], path: Path) -> None:
    """Draw the smoothed curves into one picture."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - training needs no matplotlib

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for name, values in losses.items():
        axes.plot(smoothed(values), label=name)
    axes.set(xlabel="step", ylabel="loss (smoothed)", ylim=(0, 1.2), title="784-100-10 on MNIST")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    curves = train()
    for name, values in curves.items():
        print(f"{name:10s} loss over the last 100 steps: {np.mean(values[-100:]):.4f}")
    draw(curves, Path("mnist_optimizers.png"))
