"""Five hidden layers of 100 on CIFAR-10, with batch normalisation before each ReLU and without.

Run it with `python docs/examples/cifar_batch_norm.py`. It needs CIFAR-10's training batches 1 and
2 and the test batch: under MLPK_DATA, or by download with `python -m pip install "mlpk[data]"`.
"""

import mlpk

EPOCHS = 10
BATCH = 100


def network(*, normalised: bool, seed: int = 0) -> mlpk.Model:
    """Return the net, untrained; a bias is of no use where batch normalisation adds its own."""
    layers: list[object] = ["flatten"]
    for _ in range(5):
        layers.append(mlpk.layers.dense(units=100, init="he_normal", bias=not normalised))
        layers += ["batch_norm", "relu"] if normalised else ["relu"]
    layers.append(mlpk.layers.dense(units=10))
    return mlpk.Model(layers, input_shape=(32, 32, 3), seed=seed)


def train(*, normalised: bool, epochs: int = EPOCHS) -> list[float]:
    """Return the accuracy on the test set after each epoch."""
    x, y, x_test, y_test = mlpk.datasets.cifar10(batches=[1, 2])
    history = network(normalised=normalised).fit(
        x,
        y,
        loss="softmax_cross_entropy",
        optimizer=mlpk.optimizers.adam(
            lr=mlpk.schedules.cosine(lr=1e-3, steps=epochs * len(x) // BATCH)
        ),
        epochs=epochs,
        batch_size=BATCH,
        validation=(x_test, y_test),
        metrics=["accuracy"],
    )
    return history.metrics["val_accuracy"]


if __name__ == "__main__":
    for normalised in (True, False):
        name = "with batch normalisation" if normalised else "without"
        scores = ", ".join(f"{score:.3f}" for score in train(normalised=normalised))
        print(f"{name}: accuracy on the test set after each epoch {scores}")
