"""A graph with several inputs and outputs, and arrays that nodes share, goes on exactly."""

import numpy as np
import pytest

import mlpk
from mlpk import hookimpl

WORDS = np.random.default_rng(0).integers(0, 9, (22, 4))
NUMBERS = np.random.default_rng(1).standard_normal((22, 3))


class Cut:
    """Ends the run at a step, before anything is saved there."""

    def __init__(self, step):
        self.step = step

    @hookimpl
    def mlpk_batch_end(self, fit):
        if fit.step == self.step:
            raise InterruptedError


def run(path, *, cut=None, seed=0, dtype="float64", resume=False):
    """Return the bytes of all arrays and the results of a run of two epochs of six steps."""
    words = mlpk.Input((4,), dtype="int64", name="words")
    numbers = mlpk.Input((3,), name="numbers")
    table = mlpk.layers.embedding(entries=9, units=5)(words, name="table")
    read = mlpk.layers.gru(units=4)(table, name="read")
    shared = mlpk.layers.dense(units=4)(read, name="first")
    again = mlpk.layers.dense(units=4)(shared, name="second", share=shared)
    seen = mlpk.layers.batch_norm()(mlpk.layers.dense(units=4)(numbers))
    both = mlpk.layers.dropout(rate=0.2)(mlpk.layers.add()(again, seen))
    outputs = [
        mlpk.layers.dense(units=n)(both, name=name) for name, n in (("group", 3), ("size", 1))
    ]
    model = mlpk.Model(inputs=[words, numbers], outputs=outputs, dtype=dtype, seed=seed)
    optimizer = mlpk.optimizers.lamb(lr=0.01).attach(model)
    saves = mlpk.callbacks.checkpoint(path, every_steps=1)
    history = model.fit(
        {"words": WORDS, "numbers": NUMBERS},
        {"group": WORDS[:, 0] % 3, "size": NUMBERS.sum(axis=1)},
        loss={"group": "softmax_cross_entropy", "size": "huber"},
        metrics={"group": ["accuracy", "accuracy", "confusion_matrix"], "size": ["r2"]},
        optimizer=optimizer, epochs=2, batch_size=4, accumulate=5, lr_factors={"read": 0.5},
        frozen=["table"], checkpoint=path, resume=resume, progress=False,
        callbacks=[saves] if cut is None else [Cut(cut), saves],
    )  # fmt: skip
    found = {**model.params, **model.buffers}
    found |= {f"slot {name}": arena.flat for name, arena in optimizer.slots.items()}
    found |= {f"history {name}": np.array(column) for name, column in history.metrics.items()}
    return {name: (array.dtype, array.tobytes()) for name, array in found.items()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_stop(tmp_path, dtype):
    wanted = run(tmp_path / "straight.mlpk", dtype=dtype)
    assert {"history group_loss", "history group_accuracy_1", "history size_r2"} <= wanted.keys()
    for step in range(2, 13):
        path = tmp_path / f"{step}.mlpk"
        with pytest.raises(InterruptedError):
            run(path, dtype=dtype, cut=step)
        assert run(path, dtype=dtype, seed=7, resume=True) == wanted, step
