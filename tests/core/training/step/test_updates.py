"""Training steps: batches that make one update together, and penalties."""

import numpy as np
import pytest

import mlpk
from mlpk import hookimpl


class Losses:
    """Remembers the loss of every batch."""

    def __init__(self) -> None:
        self.seen = []

    @hookimpl
    def mlpk_batch_end(self, fit):
        self.seen.append(fit.logs["loss"])


class TestAccumulation:
    """Several batches make one update: that of one batch of their joint size."""

    @pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
    @pytest.mark.parametrize("optimizer", ["sgd", "adam", {"kind": "sgd", "clip_norm": 0.01}])
    @pytest.mark.parametrize("regularizer", [None, {"kind": "l2", "l2": 0.1}])
    def test_two_small_batches_are_a_large_one(
        self, fit, weighted, optimizer, regularizer, rows, smooth, params
    ):
        more = {
            "optimizer": optimizer,
            "weight": rows.weight if weighted else None,
            "regularizer": regularizer,
            "epochs": 3,
            "metrics": ["accuracy"],
        }
        # 22 rows: groups of 4 + 4, twice, and of 4 + 2 at the end.
        small, large = smooth(), smooth()
        found = fit(small, rows.x, rows.y, batch_size=4, accumulate=2, **more)
        wanted = fit(large, rows.x, rows.y, batch_size=8, **more)
        np.testing.assert_allclose(params(small), params(large), rtol=1e-11, atol=1e-13)
        assert found.metrics["loss"] == pytest.approx(wanted.metrics["loss"], rel=1e-12)
        assert found.metrics["accuracy"] == pytest.approx(wanted.metrics["accuracy"])

    def test_a_group_that_is_not_full_at_the_end_is_used(self, fit, rows, smooth, params):
        small, large = smooth(), smooth()
        fit(small, rows.x, rows.y, batch_size=4, accumulate=100, epochs=2)
        fit(large, rows.x, rows.y, batch_size=22, epochs=2)
        np.testing.assert_allclose(params(small), params(large), rtol=1e-11, atol=1e-13)

    def test_ignored_labels_have_no_mass(self, fit, rows, smooth, params):
        y = np.where(np.arange(22) % 3 == 0, -1, rows.y)
        loss = {"kind": "softmax_cross_entropy", "ignore_index": -1, "class_weight": [1.0, 0.5, 2]}
        small, large = smooth(), smooth()
        fit(small, rows.x, y, loss=loss, batch_size=3, accumulate=2, epochs=2, optimizer="sgd")
        fit(large, rows.x, y, loss=loss, batch_size=6, epochs=2, optimizer="sgd")
        np.testing.assert_allclose(params(small), params(large), rtol=1e-11, atol=1e-13)

    @pytest.mark.parametrize("weight", [1e-44, 1e-30, 1.0, 1e30])
    def test_the_size_of_the_weights_is_no_matter(self, fit, weight, rows, params):
        def trained(size, **more):
            layers = [{"kind": "dense", "units": 5}, "tanh", {"kind": "dense", "units": 3}]
            model = mlpk.Model(layers, input_shape=(4,), seed=0)
            fit(model, rows.x, rows.y, optimizer="sgd", weight=np.full(22, size), epochs=3, **more)
            return params(model)

        found = trained(weight, batch_size=4, accumulate=2)
        np.testing.assert_allclose(found, trained(1.0, batch_size=8), rtol=1e-5, atol=1e-6)

    def test_the_optimizer_counts_updates(self, fit, rows, smooth):
        model = smooth()
        optimizer = mlpk.optimizers.sgd().attach(model)
        fit(model, rows.x, rows.y, optimizer=optimizer, batch_size=4, accumulate=4, epochs=2)
        assert optimizer.t == 2 * 2  # six batches an epoch: four, and the two that are left


class TestPenalty:
    def test_it_is_in_the_loss_and_in_the_gradient(self, fit, rows, smooth):
        plain, penalised = smooth(), smooth()
        before = {name: np.array(array) for name, array in plain.params.items()}
        squares = sum((before[name] ** 2).sum() for name in before if name.endswith("weight"))
        seen, seen_penalised = Losses(), Losses()
        sgd = mlpk.optimizers.sgd(lr=0.1)
        fit(plain, rows.x, rows.y, batch_size=22, optimizer=sgd, callbacks=[seen])
        fit(
            penalised,
            rows.x,
            rows.y,
            batch_size=22,
            optimizer=sgd,
            callbacks=[seen_penalised],
            regularizer=mlpk.regularizers.l2(l2=0.3),
        )
        assert seen_penalised.seen[0] - seen.seen[0] == pytest.approx(0.15 * squares)
        for name, first in before.items():
            pull = 0.1 * 0.3 * first if name.endswith("weight") else 0.0
            np.testing.assert_allclose(
                penalised.params[name], plain.params[name] - pull, atol=1e-15
            )

    def test_the_history_has_the_penalty_of_the_epochs_end(self, fit, rows, smooth):
        model = smooth()
        l2 = {"kind": "l2", "l2": 0.3}
        # At a rate of 0 nothing moves: the epoch's loss is that of the whole set.
        still = fit(model, rows.x, rows.y, optimizer=mlpk.optimizers.sgd(lr=0.0), regularizer=l2)
        wanted = model.evaluate(rows.x, rows.y, loss="softmax_cross_entropy", regularizer=l2)
        assert still.metrics["loss"][0] == pytest.approx(wanted["loss"], rel=1e-12)
