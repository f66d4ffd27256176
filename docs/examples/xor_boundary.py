"""XOR of two normal variables: 2-n-2 with sigmoids, mean squared error, L2, for n = 3, 10, 50.

Run it with `python docs/examples/xor_boundary.py`; it writes xor_boundary.png with the decision
boundary, the loss and the accuracy of each net. It needs matplotlib ("mlpk[plot]").
"""

from pathlib import Path

import numpy as np

import mlpk

EPOCHS = 1_000
HIDDEN = (3, 10, 50)


def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points, their labels, and the labels as one-hot rows for the squared error."""
    x, y = mlpk.datasets.xor(n=300, seed=0)
    return x, y, np.eye(2, dtype=np.float32)[y]


def train(hidden: int = 10, epochs: int = EPOCHS) -> tuple[mlpk.Model, mlpk.History]:
    """Train a net with some hidden units; return it with its history."""
    x, _, targets = data()
    model = mlpk.Model(
        [
            mlpk.layers.dense(units=hidden),
            "sigmoid",
            mlpk.layers.dense(units=2),
            "sigmoid",
        ],
        input_shape=(2,),
        seed=0,
    )
    history = model.fit(
        x,
        targets,
        loss="mean_squared_error",
        optimizer=mlpk.optimizers.momentum(lr=0.5, mu=0.9),
        regularizer=mlpk.regularizers.l2(l2=1e-4),
        epochs=epochs,
        batch_size=50,
        metrics=["accuracy"],
        progress=False,
    )
    return model, history


def accuracy(model: mlpk.Model) -> float:
    """Return the share of points whose larger output is that of their label."""
    x, y, _ = data()
    return float((model.predict(x).argmax(axis=1) == y).mean())


def draw(trained: dict[int, tuple[mlpk.Model, mlpk.History]], path: Path) -> None:
    """Draw a row of three pictures for each net."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - training needs no matplotlib

    x, y, _ = data()
    side = np.linspace(-3.5, 3.5, 200, dtype=np.float32)
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    figure = Figure(figsize=(12, 3.6 * len(trained)), layout="constrained")
    rows = figure.subplots(len(trained), 3, squeeze=False)
    for (hidden, (model, history)), axes in zip(trained.items(), rows, strict=True):
        scores = model.predict(grid.reshape(-1, 2))
        margin = (scores[:, 1] - scores[:, 0]).reshape(len(side), len(side))
        axes[0].contourf(side, side, margin, levels=20, cmap="RdBu_r", vmin=-1, vmax=1, alpha=0.7)
        axes[0].contour(side, side, margin, levels=[0.0], colors="black")
        axes[0].scatter(*x.T, c=y, cmap="RdBu_r", edgecolors="black", linewidths=0.4, s=14)
        axes[0].set(title=f"{hidden} hidden units: {accuracy(model):.3f}", aspect="equal")
        axes[1].plot(history.metrics["loss"])
        axes[1].set(title="loss", xlabel="epoch", yscale="log")
        axes[2].plot(history.metrics["accuracy"])
        axes[2].set(title="accuracy", xlabel="epoch", ylim=(0.4, 1.02))
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    nets = {hidden: train(hidden) for hidden in HIDDEN}
    for hidden, (model, _) in nets.items():
        print(f"{hidden:2d} hidden units: accuracy {accuracy(model):.3f}")
    draw(nets, Path("xor_boundary.png"))
