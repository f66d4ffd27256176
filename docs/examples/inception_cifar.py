"""One Inception block on CIFAR-10, with batch normalisation behind each of its convolutions.

Run it with `python docs/examples/inception_cifar.py`. It needs CIFAR-10's training batch 1 and the
test batch: under MLPK_DATA, or by download with `python -m pip install "mlpk[data]"`. The block is
of Szegedy and others, Going deeper with convolutions, 2015; batch normalisation was published with
a net of such blocks (Ioffe and Szegedy, 2015).
"""

import mlpk
from mlpk import Symbol

BATCH = 50


def convolved(x: Symbol, filters: int, size: int) -> Symbol:
    """Return a convolution with batch normalisation and ReLU behind it."""
    convolution = mlpk.layers.conv2d(
        filters=filters, kernel_size=size, padding="same", init="he_normal", bias=False
    )
    active: Symbol = mlpk.layers.relu()(mlpk.layers.batch_norm()(convolution(x)))
    return active


def inception(x: Symbol) -> Symbol:
    """Return four views of x behind each other: 1x1, 3x3 and 5x5 neighbours, and the largest.

    A 1x1 convolution narrows x first where many channels would cost much.
    """
    pooled = mlpk.layers.max_pool2d(kernel_size=3, strides=1, padding="same")(x)
    views: Symbol = mlpk.layers.concatenate()(
        convolved(x, 16, size=1),
        convolved(convolved(x, 16, size=1), 32, size=3),
        convolved(convolved(x, 8, size=1), 16, size=5),
        convolved(pooled, 16, size=1),
    )
    return views


def network(seed: int = 0) -> mlpk.Model:
    """Return the net, untrained; the block sees 16x16 places of 32 channels and gives 80."""
    layers = mlpk.layers
    image = mlpk.Input((32, 32, 3))
    stem = layers.max_pool2d(kernel_size=2)(convolved(image, 32, size=3))
    views = layers.max_pool2d(kernel_size=2)(inception(stem))
    scores = layers.dense(units=10)(layers.flatten()(views))
    return mlpk.Model(inputs=image, outputs=scores, seed=seed)


def train(rows: int = 10_000, epochs: int = 5) -> tuple[mlpk.Model, mlpk.History]:
    """Train on the first rows of batch 1; return the net with its history."""
    x, y, _, _ = mlpk.datasets.cifar10(batches=1)
    model = network()
    rate = mlpk.schedules.cosine(lr=2e-3, steps=epochs * rows // BATCH)
    history = model.fit(
        x[:rows],
        y[:rows],
        loss="softmax_cross_entropy",
        optimizer=mlpk.optimizers.adam(lr=rate),
        epochs=epochs,
        batch_size=BATCH,
    )
    return model, history


if __name__ == "__main__":
    _, _, x_test, y_test = mlpk.datasets.cifar10(batches=1)
    model, _ = train()
    print(model.summary())
    scores = model.evaluate(x_test, y_test, metrics=["accuracy"])
    print(f"accuracy on the test set: {scores['accuracy']:.4f}")
