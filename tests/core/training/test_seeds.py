"""What is random in a run: the order of the rows, and dropout. All of it rests on the seed."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, DataError, Example, Metric, define, hookimpl
from mlpk.errors import UnknownKindError


@define
class Order(Metric):
    """Writes down which rows it saw: the first value of each prediction."""

    kind: ClassVar[str] = "order"

    seen: ClassVar[list[int]] = []

    def start(self):
        type(self).seen.clear()
        return {"rows": np.zeros((), np.int64)}

    def update(self, state, prediction, target, weight):
        state["rows"] += len(prediction)
        self.seen.extend(int(row) for row in prediction[:, 0].round())

    def result(self, state):
        return float(state["rows"])

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (1,), draw=lambda rng, n: (rng.random((n, 1)), rng.random(n)))


class Orders:
    """The rows of each epoch, in the order in which they came."""

    def __init__(self) -> None:
        self.epochs: list[list[int]] = []

    @hookimpl
    def mlpk_epoch_end(self, fit):
        self.epochs.append(list(Order.seen))


def orders(rows=50, seed=0, fit_seed=None, dropout=False, **more):
    """The orders in which a net that passes x through sees its rows."""
    layers = [{"kind": "dense", "units": 1, "init": "ones"}]
    layers += [{"kind": "dropout", "rate": 0.0}] * dropout
    model = mlpk.Model(layers, input_shape=(1,), dtype="float64", seed=seed)
    watcher = Orders()
    model.fit(
        np.arange(rows, dtype=np.float64)[:, None],
        np.zeros(rows),
        loss="mean_squared_error",
        optimizer=mlpk.optimizers.sgd(lr=0.0),
        metrics=[Order()],
        callbacks=[watcher],
        progress=False,
        seed=fit_seed,
        **{"epochs": 3, "batch_size": 8, **more},
    )
    return watcher.epochs


def same(left, right):
    return all(np.array_equal(left[name], right[name]) for name in left)


class TestOrder:
    def test_every_row_comes_once_an_epoch_in_another_order_each_time(self):
        found = orders()
        assert [sorted(epoch) for epoch in found] == [list(range(50))] * 3
        assert len({tuple(epoch) for epoch in (*found, range(50))}) == 4

    def test_it_rests_on_the_seed_and_the_epoch_alone(self):
        found = orders()
        assert orders(batch_size=50, dropout=True, drop_last=True, epochs=2) == found[:2]
        assert orders(seed=1) != found
        assert orders(seed=1, fit_seed=0) == found
        assert orders(fit_seed=1) == orders(seed=1)

    def test_without_shuffling_rows_come_as_they_stand(self):
        assert orders(shuffle=False, epochs=2) == [list(range(50))] * 2

    def test_drop_last_leaves_a_batch_out(self):
        found = orders(drop_last=True)
        assert [len(epoch) for epoch in found] == [48, 48, 48]
        assert [epoch[:48] for epoch in orders()] == found
        with pytest.raises(mlpk.DataError, match="x has 50 rows, and batch_size is 100"):
            orders(drop_last=True, batch_size=100, epochs=1)


class TestSeeds:
    def test_the_same_seed_gives_the_same_answer(self, net, fit, digits, arrays):
        first, second, other = net(seed=3), net(seed=3), net(seed=4)
        more = {"epochs": 2, "metrics": ["accuracy"], "validation": digits}
        found = fit(first, *digits, **more)
        assert fit(second, *digits, **more).metrics == found.metrics
        assert same(arrays(first), arrays(second))
        assert fit(other, *digits, **more).metrics != found.metrics

    def test_a_fit_after_a_fit_goes_on_with_other_random_numbers(self, net, fit, digits, arrays):
        first, second = net(), net()
        for model in (first, second):
            fit(model, *digits)
            fit(model, *digits)
        assert same(arrays(first), arrays(second))
        # From equal weights a second run shuffles and drops otherwise than the first one.
        third = net()
        fit(third, *digits, optimizer=mlpk.optimizers.sgd(lr=0.0))
        assert same({name: net().params[name] for name in third.params}, {**third.params})
        fit(third, *digits, optimizer="sgd")
        once = net()
        fit(once, *digits, optimizer="sgd")
        assert not same({**third.params}, {**once.params})

    def test_the_seed_of_a_fit_is_also_that_of_dropout(self, net, fit, digits):
        seen = []
        layers = [{"kind": "dropout", "rate": 0.5}, {"kind": "dense", "units": 10}]
        for seed in (0, 0, 1):
            history = fit(net(*layers), *digits, shuffle=False, seed=seed)
            seen.append(history.metrics["loss"])
        assert seen[0] == seen[1] != seen[2]

    def test_a_fit_that_was_refused_uses_up_no_seed(self, net, fit, digits, arrays):
        first, second = net(), net()
        for wrong in ({"loss": "nope"}, {"callbacks": [3]}, {"weight": -np.ones(203)}):
            with pytest.raises((ConfigError, UnknownKindError, DataError)):
                fit(first, *digits, **wrong)
        fit(first, *digits)
        fit(second, *digits)
        assert same(arrays(first), arrays(second))

    @pytest.mark.parametrize("seed", [-1, 1.0, True, "0"])
    def test_a_wrong_seed_is_refused(self, net, fit, digits, seed):
        with pytest.raises(ConfigError, match=r"^seed: wanted"):
            fit(net(), *digits, seed=seed)
