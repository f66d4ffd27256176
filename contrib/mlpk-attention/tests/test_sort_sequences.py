import runpy

import numpy as np
import pytest


@pytest.fixture
def example(project):
    return runpy.run_path(str(project / "examples" / "sort_sequences.py"))


def test_targets_are_the_digits_in_order(example):
    x, y = example["data"](200, seed=3)
    lengths = x["there"].sum(axis=1)
    assert set(lengths) == set(range(4, 13))
    for digits, there, ordered, length in zip(*x.values(), y, lengths, strict=True):
        assert there[:length].all()
        assert sorted(digits[:length]) == list(ordered[:length])
        assert (ordered[length:] == example["PADDED"]).all()


def test_short_training_sorts(example):
    """A quarter of the updates gets nearly all places right; guessing the commonest gets few."""
    model, history = example["train"](rows=10_000, epochs=4)
    places, sequences = example["accuracy"](model, rows=2_000)
    assert places > 0.95
    assert sequences > 0.7
    assert history.metrics["loss"][0] > history.metrics["loss"][-1]


def test_untrained_networks_do_not_sort(example):
    places, sequences = example["accuracy"](example["network"](), rows=500)
    assert places < 0.3
    assert np.isclose(sequences, 0, atol=0.01)
