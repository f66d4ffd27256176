"""Many blocks are shared among threads where BLAS keeps to one, and come out the same."""

import threading

import numpy as np
import pytest

import mlpk
from mlpk.training.updater import BLOCK, FEW, FLUSH_EVERY
from mlpk.workers import undisturbed

pytestmark = pytest.mark.usefixtures("three_threads")
WIDTH = 1024


def updated(optimizer, steps, *, blocks=2 * FEW, held=True):
    """An updater after so many steps, and the threads that its rule was called in."""
    layers = [{"kind": "dense", "units": WIDTH, "bias": False}]
    updater = optimizer.attach(mlpk.Model(layers, input_shape=(blocks * BLOCK // WIDTH,), seed=0))
    updater.grads.flat[:] = np.linspace(-1, 1, updater.grads.flat.size)
    updater.grads.flat[::2] = 0
    where, update = set(), updater._update

    def noting(*given):
        where.add(threading.get_ident())
        update(*given)

    updater._update = noting
    with undisturbed() as turn:
        if held:
            turn.hold()
        for _ in range(steps):
            updater.step()
    return updater, where


def test_blocks_are_shared_if_there_are_enough_and_blas_keeps_to_one_thread():
    sgd = mlpk.optimizers.sgd()
    here = threading.get_ident()
    assert updated(sgd, 1, held=False)[1] == {here}
    assert updated(sgd, 1, blocks=2 * FEW - 1)[1] == {here}
    found = updated(sgd, 1)[1]
    assert here in found
    assert len(found) == 2


def test_many_small_blocks_are_not_worth_a_thread():
    """LAMB gets one array at a time: 40 biases and weights of a small network."""
    layers = [{"kind": "dense", "units": 5}] * 20
    updater = mlpk.optimizers.lamb().attach(mlpk.Model(layers, input_shape=(5,), seed=0))
    here, update, where = threading.get_ident(), updater._update, set()

    def noting(*given):
        where.add(threading.get_ident())
        update(*given)

    updater._update = noting
    with undisturbed() as turn:
        turn.hold()
        updater.step()
    assert where == {here}


@pytest.mark.parametrize(
    "optimizer", [mlpk.optimizers.adam(0.01), mlpk.optimizers.adamw(0.01), mlpk.optimizers.lion()]
)
def test_every_number_comes_out_the_same(optimizer):
    (alone, _), (shared, _) = (
        updated(optimizer, FLUSH_EVERY + 1, held=held) for held in (False, True)
    )
    np.testing.assert_array_equal(shared.params.flat, alone.params.flat)
    for name, slot in alone.slots.items():
        np.testing.assert_array_equal(shared.slots[name].flat, slot.flat)


def test_what_fails_in_a_thread_is_raised_here():
    updater, _ = updated(mlpk.optimizers.sgd(), 0)
    here = threading.get_ident()

    def fail(*_):
        if threading.get_ident() != here:
            raise ZeroDivisionError

    updater._update = fail
    with undisturbed() as turn:
        turn.hold()
        with pytest.raises(ZeroDivisionError):
            updater.step()
