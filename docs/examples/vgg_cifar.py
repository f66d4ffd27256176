"""A small VGG on CIFAR-10: pairs of 3x3 convolutions, each with batch normalisation.

Run it with `python docs/examples/vgg_cifar.py`. It needs CIFAR-10's training batch 1 and the test
batch: under MLPK_DATA, or by download with `python -m pip install "mlpk[data]"`. The design is of
Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, 2015.
"""

import mlpk

FILTERS = (16, 32, 64)
BATCH = 50


def network(seed: int = 0) -> mlpk.Model:
    """Return the net, untrained; each pair of convolutions has half the side of the one before."""
    layers: list[object] = []
    for filters in FILTERS:
        for _ in range(2):
            layers += [
                mlpk.layers.conv2d(
                    filters=filters, kernel_size=3, padding="same", init="he_normal", bias=False
                ),
                "batch_norm",
                "relu",
            ]
        layers.append(mlpk.layers.max_pool2d(kernel_size=2))
    layers += ["flatten", mlpk.layers.dense(units=10)]
    return mlpk.Model(layers, input_shape=(32, 32, 3), seed=seed)


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
