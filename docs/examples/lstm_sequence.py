"""An LSTM tells the order in which two symbols came, far apart among others that mean nothing.

Run it with `python docs/examples/lstm_sequence.py`; it makes its data itself. A sequence has 100
symbols. All are noise, a, b, c or d, but two, one of the places 10 to 19 and one of 50 to 59: each
is X or Y, and XX, XY, YX and YY are the four classes. This is the temporal order problem of
Hochreiter and Schmidhuber, Long short-term memory, 1997 (experiment 6a), but for the marks that
begin and end their sequences.
"""

import numpy as np

import mlpk

LENGTH = 100
SYMBOLS = 6  # a, b, c, d are 0 to 3, X is 4 and Y is 5
X = 4
ROWS = 10_000
EPOCHS = 4
BATCH = 50


def data(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return sequences (rows, LENGTH) and their classes: 0 XX, 1 XY, 2 YX, 3 YY."""
    rng = np.random.default_rng(seed)
    sequences = rng.integers(X, size=(rows, LENGTH))
    first, second = rng.integers(2, size=(2, rows))
    every = np.arange(rows)
    sequences[every, rng.integers(10, 20, size=rows)] = X + first
    sequences[every, rng.integers(50, 60, size=rows)] = X + second
    return sequences, 2 * first + second


def network(seed: int = 0) -> mlpk.Model:
    """Return the net, untrained; the dense layer sees the state after the last symbol alone."""
    return mlpk.Model(
        [
            mlpk.layers.embedding(entries=SYMBOLS, units=8),
            mlpk.layers.lstm(units=32),
            mlpk.layers.dense(units=4),
        ],
        input_shape=(LENGTH,),
        input_dtype="int64",
        seed=seed,
    )


def train(rows: int = ROWS, epochs: int = EPOCHS) -> tuple[mlpk.Model, mlpk.History]:
    """Train on rows of the task; return the net with its history."""
    x, y = data(rows, seed=0)
    model = network()
    history = model.fit(
        x,
        y,
        loss="softmax_cross_entropy",
        optimizer=mlpk.optimizers.adam(lr=2e-3, clip_norm=1.0),
        epochs=epochs,
        batch_size=BATCH,
        metrics=["accuracy"],
    )
    return model, history


def accuracy(model: mlpk.Model, rows: int = 5_000) -> float:
    """Return the accuracy on sequences that were not trained on."""
    x, y = data(rows, seed=1)
    return float(model.evaluate(x, y, metrics=["accuracy"])["accuracy"])


if __name__ == "__main__":
    model, _ = train()
    print(model.summary())
    print(f"accuracy on new sequences, where chance gives 0.25: {accuracy(model):.4f}")
