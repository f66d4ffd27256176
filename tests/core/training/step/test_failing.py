"""Training steps whose loss is not finite, or that fail: what is told, and what stays as it was."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import Buffer, Declaration, Example, Layer, Loss, define, hookimpl
from mlpk.errors import DataError, DivergedError, PluginError


@define
class FirstColumn(Loss):
    """mean((y - t)**2) over the first column of the targets; the others are not looked at."""

    kind: ClassVar[str] = "first_column"

    def forward(self, ctx, prediction, target, weight=None):
        error = prediction[:, 0] - target[:, 0]
        return float((error * error).mean()), error

    def backward(self, ctx, saved):
        gradient = np.zeros((len(saved), 1), ctx.dtype)
        gradient[:, 0] = 2 * saved / len(saved)
        return gradient

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (1,), draw=lambda rng, n: (rng.random((n, 1)), rng.random((n, 2))))


class Spy:
    """Remembers the state after the last step that came through."""

    def __init__(self) -> None:
        self.steps = 0

    @hookimpl
    def mlpk_fit_begin(self, fit):
        self._look(fit)

    @hookimpl
    def mlpk_batch_end(self, fit):
        self.steps += 1
        self._look(fit)

    def _look(self, fit):
        model = fit.model
        self.arrays = {
            name: np.array(array) for name, array in (*model.params.items(), *model.buffers.items())
        }
        self.slots = {name: slot.flat.copy() for name, slot in fit.optimizer.slots.items()}


class TestNotFinite:
    """The data are searched only then, and nothing has been updated yet."""

    @pytest.mark.parametrize("role", ["x", "y"])
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    @pytest.mark.parametrize("shuffle", [True, False])
    def test_the_row_is_named_as_it_was_passed(
        self, fit, digits, net, arrays, role, value, shuffle
    ):
        given = {"x": digits[0].copy(), "y": np.eye(10)[digits[1]]}
        given[role][123, 7] = value
        model = net()
        fit(model, *digits)  # so that the running statistics have moved
        optimizer = mlpk.optimizers.adam().attach(model)
        seen = Spy()
        with pytest.raises(DataError, match=rf"^{role}: row 123 holds {value}") as caught:
            fit(
                model,
                given["x"],
                given["y"],
                loss="mean_squared_error",
                shuffle=shuffle,
                optimizer=optimizer,
                callbacks=[seen],
                batch_size=16,
            )
        assert caught.value.row == 123
        assert seen.steps == optimizer.t
        for name, array in arrays(model).items():
            np.testing.assert_array_equal(array, seen.arrays[name])
        for name, slot in seen.slots.items():
            np.testing.assert_array_equal(optimizer.slots[name].flat, slot)

    def test_a_stream_names_batch_and_row(self, fit, digits, net):
        x, y = digits[0].copy(), digits[1]
        x[45, 0] = np.nan
        with pytest.raises(DataError, match=r"^x: row 5 of batch 1 holds nan"):
            fit(net(), [(x[start : start + 40], y[start : start + 40]) for start in (0, 40, 80)])

    def test_what_the_loss_does_not_see_is_not_searched(self, fit, rows):
        y = np.column_stack([np.zeros(8), np.full(8, np.nan)])
        model = mlpk.Model([{"kind": "dense", "units": 1}], input_shape=(4,), seed=0)
        history = fit(model, rows.x[:8], y, loss=FirstColumn(), optimizer="sgd")
        assert np.isfinite(history.metrics["loss"]).all()

    def test_divergence_is_told_apart_and_brings_the_history(self, fit, arrays):
        """Of y = w x, where x = y = 1: w - 1 turns its sign and grows by 19 with each step at rate 10."""
        model = mlpk.Model(
            [{"kind": "dense", "units": 1, "bias": False, "init": "zeros"}], input_shape=(1,)
        )
        spy = Spy()
        with pytest.raises(DivergedError, match="the loss became inf in step 17") as caught:
            fit(
                model,
                np.ones((8, 1)),
                np.ones(8),
                loss="mean_squared_error",
                optimizer=mlpk.optimizers.sgd(lr=10.0),
                epochs=100,
                batch_size=4,
                callbacks=[spy],
            )
        # Step t sees 19**(2 t - 2), two steps an epoch; 19**30 is 2.3e38, the largest float32 3.4e38.
        assert caught.value.history.metrics["loss"][:2] == pytest.approx(
            [(1 + 361) / 2, 361**2 * 181]
        )
        assert len(caught.value.history) == 8
        assert spy.steps == 16
        np.testing.assert_array_equal(arrays(model)["dense/weight"], spy.arrays["dense/weight"])

    @pytest.mark.parametrize("batch_size", [32, 203], ids=["in training", "in validation"])
    def test_overflow_is_told_in_a_sentence_and_not_in_warnings(self, fit, digits, net, batch_size):
        model = net({"kind": "dense", "units": 20}, "relu", {"kind": "dense", "units": 10})
        more = {"validation": digits, "batch_size": batch_size, "epochs": 3}
        with pytest.raises(DivergedError, match="Lower the learning rate"):
            fit(model, *digits, optimizer=mlpk.optimizers.sgd(lr=1e30), **more)


class TestRowsOfWeightZero:
    def test_a_loss_of_their_own_that_is_infinite_does_not_matter(self, rows, params):
        """What cannot be told from a prediction, a target, counts for nothing where its row does."""
        kept, found = np.arange(22) != 3, []
        y = rows.x[:, 0] ** 2
        for used, scale in ((kept, 1.0), (slice(None), 1e30)):
            x = rows.x.copy()
            x[3] *= scale
            model = mlpk.Model([{"kind": "dense", "units": 1}], input_shape=(4,), seed=0)
            history = model.fit(
                x[used], y[used], weight=np.where(kept, rows.weight, 0)[used], epochs=3,
                loss="mean_squared_error", optimizer="sgd", batch_size=22, shuffle=False,
                progress=False,
            )  # fmt: skip
            found.append((params(model), history.metrics["loss"]))
        np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-5)
        assert found[1][1] == pytest.approx(found[0][1], rel=1e-5)

    def test_nan_in_them_is_told_before_anything_is_updated(self, rows, smooth, params):
        """The loss would not show it, and 0 * nan would stand in the gradients."""
        x, model = rows.x.copy(), smooth()
        x[3, 1] = np.nan
        before = params(model).copy()
        with pytest.raises(DataError, match=r"^x: row 3 holds nan"):
            model.fit(
                x, rows.y, weight=(np.arange(22) != 3).astype(float), loss="softmax_cross_entropy",
                optimizer="sgd", progress=False,
            )  # fmt: skip
        np.testing.assert_array_equal(params(model), before)


@define
class FailsBack(Layer):
    """y = x. It counts its rows, and its third way back fails."""

    kind: ClassVar[str] = "fails_back"
    ways: ClassVar[list[int]] = []

    def declare(self, x):
        return Declaration(x, {}, {"rows": Buffer((1,), 0.0)})

    def forward(self, arrays, ctx, x):
        arrays["rows"] += len(x)
        return x, None

    def backward(self, arrays, ctx, saved, dy, grads):
        self.ways.append(len(dy))
        if len(self.ways) == 3:
            raise ZeroDivisionError
        return dy

    @classmethod
    def examples(cls) -> Iterator[Example]:
        return iter(())


def test_a_step_that_fails_on_the_way_back_leaves_buffers_as_they_were(rows):
    FailsBack.ways.clear()
    model = mlpk.Model([mlpk.layers.dense(units=3), FailsBack()], input_shape=(4,), seed=0)
    spy = Spy()
    with pytest.raises(PluginError, match=r"\(fails_back\), backward: ZeroDivisionError"):
        model.fit(
            rows.x, rows.y, loss="softmax_cross_entropy", optimizer="sgd", batch_size=5, callbacks=[spy],
            progress=False,
        )  # fmt: skip
    assert FailsBack.ways == [5, 5, 5]
    assert model.buffers["fails_back/rows"].tolist() == [10.0]
