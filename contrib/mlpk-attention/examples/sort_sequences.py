"""A transformer of two blocks sorts sequences of digits.

Run it with `python examples/sort_sequences.py`; it makes its data itself. A sequence has 4 to 12
digits, the rest of its 12 places is padding, which a mask hides. At place t the network says which
digit stands there once they are sorted: it has to see all digits, and how many are smaller.
"""

import mlpk
import numpy as np

SHORTEST, LONGEST = 4, 12
DIGITS = 10
PADDED = -1  # what stands for no target
ROWS = 20_000
EPOCHS = 8
BATCH = 100

Data = tuple[dict[str, np.ndarray], np.ndarray]


def data(rows: int, seed: int) -> Data:
    """Return {"digits", "there"}, both (rows, LONGEST), and the digits sorted, then PADDED."""
    rng = np.random.default_rng(seed)
    there = np.arange(LONGEST) < rng.integers(SHORTEST, LONGEST + 1, size=(rows, 1))
    digits = np.where(there, rng.integers(DIGITS, size=there.shape), 0)
    ordered = np.sort(np.where(there, digits, DIGITS), axis=1)
    return {"digits": digits, "there": there}, np.where(there, ordered, PADDED)


def network(seed: int = 0) -> mlpk.Model:
    """Return the network, untrained."""
    layers = mlpk.layers
    digits = mlpk.Input((LONGEST,), dtype="int64", name="digits")
    there = mlpk.Input((LONGEST,), dtype="bool", name="there")
    y = layers.embedding(entries=DIGITS, units=32)(digits)
    y = layers.learned_positions(max_length=LONGEST)(y)
    for _ in range(2):
        y = layers.transformer_encoder_block(heads=4, hidden=64)(y, there)
    y = layers.layer_norm()(y)
    y = layers.dense(units=DIGITS)(y, name="digit")
    return mlpk.Model(inputs=[digits, there], outputs=y, seed=seed)


def train(rows: int = ROWS, epochs: int = EPOCHS) -> tuple[mlpk.Model, mlpk.History]:
    """Train on rows of the task; return the network with its history."""
    x, y = data(rows, seed=0)
    model = network()
    steps = epochs * -(-rows // BATCH)
    history = model.fit(
        x,
        y,
        loss=mlpk.losses.softmax_cross_entropy(ignore_index=PADDED),
        optimizer=mlpk.optimizers.adam(lr=mlpk.schedules.cosine(lr=2e-3, steps=steps)),
        epochs=epochs,
        batch_size=BATCH,
    )
    return model, history


def accuracy(model: mlpk.Model, rows: int = 5_000) -> tuple[float, float]:
    """Return which share of places, and of whole sequences, is right, on new sequences."""
    x, y = data(rows, seed=1)
    right = model.predict(x).argmax(axis=-1) == y
    there = x["there"]
    return float(right[there].mean()), float((right | ~there).all(axis=1).mean())


if __name__ == "__main__":
    trained, _ = train()
    print(trained.summary())
    places, sequences = accuracy(trained)
    print(f"right on new sequences: {places:.4f} of the places, {sequences:.4f} of the sequences")
    shown = data(3, seed=2)[0]
    answers = trained.predict(shown).argmax(axis=-1)
    for digits, there, answer in zip(shown["digits"], shown["there"], answers, strict=True):
        print(*digits[there], "->", *answer[there])
