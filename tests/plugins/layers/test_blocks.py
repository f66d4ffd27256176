"""Large images are worked on block by block, several threads at once."""

import numpy as np
import pytest

from mlpk import Context, blas
from mlpk_plugins.layers.parts import blocks
from mlpk_plugins.layers.parts.blocks import by_block
from mlpk_plugins.layers.relu import ReLU


@pytest.fixture
def _small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 100)


@pytest.mark.usefixtures("three_threads", "_small_blocks")
@pytest.mark.parametrize("shape", [(7, 4, 5, 3), (1, 40, 40, 3), (30, 1, 1, 10)])
def test_relu_in_blocks(shape, alone):
    x, dy = np.random.default_rng(0).standard_normal((2, *shape))
    run = alone(ReLU(), x)
    assert np.array_equal(run.forward(), np.maximum(x, 0))
    assert np.array_equal(run.backward(dy)[0], np.where(x > 0, dy, 0))


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("shape", "wanted"), [((25, 2, 5, 4), 25 * 40), ((4, 40), 160)])
def test_what_blocks_give_is_added_up(threads, shape, wanted, monkeypatch):
    monkeypatch.setattr(blas, "threads", lambda: threads)
    x, ctx = np.ones(shape), Context("float64")
    sums = by_block(ctx, x, lambda _, one, two: np.array([one.sum(), two.sum()]), x, 2 * x)
    assert sums.tolist() == [wanted, 2 * wanted]


@pytest.mark.usefixtures("_small_blocks")
def test_blocks_are_of_images_alone(monkeypatch):
    monkeypatch.setattr(blas, "threads", lambda: 1)
    seen = []
    for shape in ((25, 2, 5, 4), (25, 40), (2, 2, 5, 4)):  # the last are too few to be cut
        by_block(Context("float64"), x := np.ones(shape), lambda _, x: seen.append(len(x)), x)
    assert seen == [3, 3, 3, 3, 3, 3, 3, 3, 1, 25, 2]
