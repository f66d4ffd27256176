"""What every layer keeps, whatever it computes."""

import numpy as np
import pytest

from mlpk_plugins.layers import mlpk_layers
from mlpk_plugins.layers.dropout import Dropout
from mlpk_plugins.layers.gaussian_noise import GaussianNoise
from mlpk_plugins.layers.global_max_pool1d import GlobalMaxPool1D
from mlpk_plugins.layers.global_max_pool2d import GlobalMaxPool2D
from mlpk_plugins.layers.spatial_dropout import SpatialDropout

LAYERS = mlpk_layers()
EXAMPLES = [example for layer in LAYERS for example in layer.examples()]
DRAWING = (Dropout, GaussianNoise, SpatialDropout)
UNDRAWN = [example for example in EXAMPLES if not isinstance(example.instance, DRAWING)]
IN_PIECES = (GlobalMaxPool1D, GlobalMaxPool2D)
ROWS = 4


def drawn(example, rows=ROWS, dtype="float64"):
    inputs = map(np.asarray, example.inputs(np.random.default_rng(1), rows))
    return tuple(x.astype(dtype) if x.dtype.kind == "f" else x for x in inputs)


def both_ways(run, dy):
    y = run.forward().copy()
    dinputs = [np.copy(dx) for dx in run.backward(dy) if dx is not None]
    return [y, *dinputs, *run.grads.values()]


def test_the_list_is_sorted_and_without_doubles():
    kinds = [layer.kind for layer in LAYERS]
    assert kinds == sorted(set(kinds))


@pytest.mark.parametrize("example", EXAMPLES, ids=repr)
def test_order_in_memory_and_write_protection_do_not_matter(example, alone):
    inputs = drawn(example)
    straight = alone(example.instance, *inputs)
    dy = np.random.default_rng(2).standard_normal(straight.forward().shape)
    wanted = both_ways(alone(example.instance, *inputs), dy)

    def scattered(array):
        spoilt = np.nan if array.dtype.kind == "f" else 1
        wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), spoilt, array.dtype)
        view = wide[..., ::2]
        view[...] = array
        view.flags.writeable = False
        return view

    found = both_ways(alone(example.instance, *map(scattered, inputs)), scattered(dy))
    for here, there in zip(found, wanted, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-14, atol=1e-14)
    transposed = [np.asfortranarray(x) for x in inputs]
    found = both_ways(alone(example.instance, *transposed), np.asfortranarray(dy))
    for here, there in zip(found, wanted, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("example", UNDRAWN, ids=repr)
def test_float32_follows_float64(example, alone):
    inputs = drawn(example)
    high = alone(example.instance, *inputs)
    params = {name: high.arrays[name] for name in high.declaration.params}
    low = alone(example.instance, *drawn(example, dtype="float32"), dtype="float32", **params)
    dy = np.random.default_rng(2).standard_normal(high.forward().shape)
    found, wanted = both_ways(low, dy.astype("float32")), both_ways(high, dy)
    assert {array.dtype for array in (*found, *low.arrays.values())} == {np.dtype("float32")}
    for here, there in zip(found, wanted, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("example", EXAMPLES, ids=repr)
def test_gradients_that_nobody_reads_are_not_computed(example, alone):
    inputs = drawn(example)
    run = alone(example.instance, *inputs)
    dy = np.random.default_rng(2).standard_normal(run.forward().shape)
    run.backward(dy)
    quiet = alone(example.instance, *inputs, needs=(False,) * len(inputs))
    quiet.forward()
    assert quiet.backward(dy) == (None,) * len(inputs)
    for name, grad in run.grads.items():
        np.testing.assert_array_equal(quiet.grads[name], grad)


@pytest.mark.parametrize("example", EXAMPLES, ids=repr)
@pytest.mark.parametrize("arranged", [np.asarray, np.asfortranarray])
def test_no_allocation_grows_with_the_batch(example, arranged, alone, peak):
    def peak_of(rows):
        run = alone(example.instance, *map(arranged, drawn(example, rows)), spoil=False)
        dy = arranged(np.ones(run.forward().shape))

        def step():
            run.forward()
            run.backward(dy)

        return peak(step)

    # Both batches are larger than NumPy's own buffers, which hold 8192 numbers whatever the batch,
    # and than the pieces of bounded size that a layer works through.
    rows = 80_000 if isinstance(example.instance, IN_PIECES) else 10_000
    assert peak_of(2 * rows) - peak_of(rows) < rows  # one byte a row
