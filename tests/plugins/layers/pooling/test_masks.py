"""Global pools of sequences under a mask."""

import numpy as np
import pytest

from mlpk import ShapeError
from mlpk_plugins.layers.global_average_pool1d import GlobalAveragePool1D
from mlpk_plugins.layers.global_max_pool1d import GlobalMaxPool1D


def with_masks(shape=(6, 7, 3)):
    """Return sequences and a mask: some steps of each row there, of the last but one none, all."""
    rng = np.random.default_rng(0)
    x, mask = rng.integers(-6, 0, shape) * 1.0, rng.random(shape[:2]) < 0.6
    mask[-2], mask[-1] = False, True
    return x, mask


@pytest.mark.parametrize("layer", [GlobalAveragePool1D(), GlobalMaxPool1D()], ids=repr)
@pytest.mark.parametrize("rubbish", [np.nan, np.inf, 9.0])
def test_a_masked_step_is_one_that_is_not_there(layer, rubbish, alone, drawn):
    x, mask = with_masks()
    x[~mask] = rubbish
    run, dy = alone(layer, x, mask), drawn(6, 3, seed=1)
    y = run.forward().copy()
    dx, dmask = run.backward(dy)
    assert dmask is None
    assert not dx[~mask].any()
    assert not y[4].any()
    for row in (0, 1, 2, 3, 5):
        short = alone(layer, x[row : row + 1, mask[row]])
        np.testing.assert_allclose(y[row], short.forward()[0], rtol=1e-15)
        (dshort,) = short.backward(dy[row : row + 1])
        np.testing.assert_allclose(dx[row, mask[row]], dshort[0], rtol=1e-15)


@pytest.mark.parametrize("layer", [GlobalAveragePool1D(), GlobalMaxPool1D()], ids=repr)
def test_masked_pools_by_hand(layer, alone):
    x = np.array([[[1.0], [5.0], [3.0], [5.0]], [[-7.0], [-2.0], [4.0], [4.0]]])
    mask = np.array([[True, True, False, True], [True, True, False, False]])
    run = alone(layer, x, mask)
    y, (dx, _) = run.forward(), run.backward(np.array([[6.0], [10.0]]))
    if layer.kind == "global_max_pool1d":
        assert y.tolist() == [[5], [-2]]
        assert dx[..., 0].tolist() == [[0, 6, 0, 0], [0, 10, 0, 0]]
    else:
        assert y.tolist() == [[11 / 3], [-4.5]]
        assert dx[..., 0].tolist() == [[2, 2, 0, 2], [5, 5, 0, 0]]


@pytest.mark.parametrize("layer", [GlobalAveragePool1D(), GlobalMaxPool1D()], ids=repr)
def test_masked_pools_are_sums_and_maxima_of_numpy(layer, alone, drawn):
    """Over many pieces, in float32; the gradient is none where nobody reads it."""
    x, mask = with_masks((40, 90, 80))
    x = x + drawn(*x.shape, seed=2)
    x, there = x.astype(np.float32), mask[..., None]
    run, dy = alone(layer, x, mask), drawn(40, 80, seed=1, dtype=np.float32)
    y, (dx, _) = run.forward(), run.backward(dy)
    assert y.dtype == dx.dtype == np.float32
    count = np.maximum(mask.sum(1), 1)[:, None]
    if layer.kind == "global_max_pool1d":
        wanted = np.where(mask.any(1)[:, None], np.where(there, x, -np.inf).max(1), 0)
        slopes = ((x == wanted[:, None]) & there) * dy[:, None]
    else:
        wanted, slopes = (x * there).sum(1) / count, there * (dy / count)[:, None]
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(dx, slopes, rtol=1e-5)
    unread = alone(layer, x, mask, needs=(False, False))
    unread.forward()
    assert unread.backward(dy) == (None, None)


@pytest.mark.parametrize("layer", [GlobalAveragePool1D(), GlobalMaxPool1D()], ids=repr)
def test_no_steps_under_a_mask_give_zero(layer, alone):
    run = alone(layer, np.zeros((2, 0, 3)), np.zeros((2, 0), bool))
    assert run.forward().tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("layer", [GlobalAveragePool1D(), GlobalMaxPool1D()], ids=repr)
def test_masks_that_do_not_fit_are_refused(layer, alone):
    for mask in ((4,), (5, 1)):
        with pytest.raises(ShapeError, match=r"wanted a mask of shape \(5,\)"):
            layer.declare((5, 3), mask)
    assert layer.declare((5, 3), (None,)).output == layer.declare((None, 3), (5,)).output == (3,)
    run = alone(layer, np.zeros((2, 5, 3)), np.ones((2, 5), bool))
    run.inputs = (run.inputs[0], np.ones((2, 4), bool))
    with pytest.raises(ShapeError, match=r"wanted a mask of shape \(2, 5\), found \(2, 4\)"):
        run.forward()
    assert layer.takes == ("real", "bool")


@pytest.mark.parametrize("layer", [GlobalAveragePool1D(), GlobalMaxPool1D()], ids=repr)
def test_masked_pools_allocate_nothing_that_grows_with_the_batch(layer, alone, peak, drawn):
    x, mask = with_masks((256, 256, 32))
    run = alone(layer, x.astype(np.float32), mask)
    dy = drawn(256, 32, seed=1, dtype=np.float32)

    def both_ways():
        run.forward()
        run.backward(dy)

    assert run.inputs[0].nbytes == 2**23
    assert peak(both_ways) < 2**18  # NumPy's own buffers
