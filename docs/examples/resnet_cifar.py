"""A small residual net on CIFAR-10: three blocks, each adding what it found to what it was given.

Run it with `python docs/examples/resnet_cifar.py`. It needs CIFAR-10's training batch 1 and the
test batch: under MLPK_DATA, or by download with `python -m pip install "mlpk[data]"`. The design is
of He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2016.
"""

import mlpk
from mlpk import Symbol

FILTERS = (16, 32, 64)
BATCH = 50


def convolved(x: Symbol, filters: int, size: int = 3, strides: int = 1) -> Symbol:
    """Return a convolution with batch normalisation behind it."""
    convolution = mlpk.layers.conv2d(
        filters=filters,
        kernel_size=size,
        strides=strides,
        padding="same",
        init="he_normal",
        bias=False,
    )
    normalised: Symbol = mlpk.layers.batch_norm()(convolution(x))
    return normalised


def block(x: Symbol, filters: int) -> Symbol:
    """Return relu(x + f(x)); with other filters than x has, both have half its side."""
    widens = x.shape[-1] != filters
    strides = 2 if widens else 1
    found = mlpk.layers.relu()(convolved(x, filters, strides=strides))
    found = convolved(found, filters)
    given = convolved(x, filters, size=1, strides=strides) if widens else x
    total: Symbol = mlpk.layers.relu()(mlpk.layers.add()(given, found))
    return total


def network(seed: int = 0) -> mlpk.Model:
    """Return the net, untrained."""
    image = mlpk.Input((32, 32, 3))
    x = mlpk.layers.relu()(convolved(image, FILTERS[0]))
    for filters in FILTERS:
        x = block(x, filters)
    pooled = mlpk.layers.global_average_pool2d()(x)
    return mlpk.Model(inputs=image, outputs=mlpk.layers.dense(units=10)(pooled), seed=seed)


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
