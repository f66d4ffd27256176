"""LeNet on MNIST: two convolutions with pooling, three dense layers, two epochs.

Run it with `python docs/examples/lenet_mnist.py`. It needs MNIST: under MLPK_DATA, or by download
with `python -m pip install "mlpk[data]"`. The sizes are those of LeNet-5 (LeCun, Bottou, Bengio
and Haffner, 1998); ReLU and the largest of each window stand where it had tanh and means.
"""

import mlpk

ROWS = 60_000
EPOCHS = 2
BATCH = 50


def network(seed: int = 0) -> mlpk.Model:
    """Return the net, untrained; images shrink from 28 to 14, 10 and 5 on their way."""
    layers = mlpk.layers
    return mlpk.Model(
        [
            layers.conv2d(filters=6, kernel_size=5, padding="same", init="he_normal"),
            "relu",
            layers.max_pool2d(kernel_size=2),
            layers.conv2d(filters=16, kernel_size=5, init="he_normal"),
            "relu",
            layers.max_pool2d(kernel_size=2),
            "flatten",
            layers.dense(units=120, init="he_normal"),
            "relu",
            layers.dense(units=84, init="he_normal"),
            "relu",
            layers.dense(units=10),
        ],
        input_shape=(28, 28, 1),
        seed=seed,
    )


def train(rows: int = ROWS, epochs: int = EPOCHS) -> tuple[mlpk.Model, mlpk.History]:
    """Train on the first rows of MNIST; return the net with its history."""
    x, y, _, _ = mlpk.datasets.mnist()
    model = network()
    history = model.fit(
        x[:rows],
        y[:rows],
        loss="softmax_cross_entropy",
        optimizer=mlpk.optimizers.adam(
            lr=mlpk.schedules.cosine(lr=2e-3, steps=epochs * rows // BATCH)
        ),
        epochs=epochs,
        batch_size=BATCH,
        metrics=["accuracy"],
    )
    return model, history


def accuracy(model: mlpk.Model, rows: int = 10_000) -> float:
    """Return the accuracy on the first rows of the test set."""
    _, _, x, y = mlpk.datasets.mnist()
    return float(model.evaluate(x[:rows], y[:rows], metrics=["accuracy"])["accuracy"])


if __name__ == "__main__":
    model, _ = train()
    print(model.summary())
    print(f"accuracy on the test set: {accuracy(model):.4f}")
