"""Where core computes without alarms, and that it stops there."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import (
    DataError,
    Declaration,
    DivergedError,
    Layer,
    Loss,
    Metric,
    Model,
    Optimizer,
    Param,
    PluginError,
    alarms,
    define,
)
from mlpk.alarms import muted

BIG = np.float32(3e38)
FINE = {"over": "raise", "under": "raise", "invalid": "raise", "divide": "raise"}


def ring_all() -> None:
    """Overflow, underflow, divide by zero and compute what is no number."""
    for numbers in ([3e38, 1e-45], [0.0, 0.0]):
        given = np.array(numbers, np.float32)
        np.multiply(given, given)
        np.divide(given, given[::-1] * 0)


@define
class Alarm(Layer):
    """y = w * x, ringing every alarm both ways."""

    kind: ClassVar[str] = "alarm"

    def declare(self, x: Any) -> Declaration:
        return Declaration(x, {"w": Param((), "ones")})

    def forward(self, arrays: Any, ctx: Any, x: Any) -> Any:
        ring_all()
        return x * arrays["w"], x

    def backward(self, arrays: Any, ctx: Any, x: Any, doutput: Any, grads: Any) -> Any:
        ring_all()
        grads["w"] = (x * doutput).sum()
        return doutput * arrays["w"]

    @classmethod
    def examples(cls) -> Any:
        return iter(())


@define
class AlarmedLoss(Loss):
    kind: ClassVar[str] = "alarmed_loss"

    def forward(self, ctx: Any, prediction: Any, target: Any, weight: Any = None) -> Any:
        ring_all()
        return float((prediction - target).sum()), prediction.shape

    def backward(self, ctx: Any, saved: Any) -> Any:
        ring_all()
        return np.ones(saved, ctx.dtype)


@define
class AlarmedDescent(Optimizer):
    kind: ClassVar[str] = "alarmed_descent"

    def update(self, param: Any, grad: Any, slots: Any, step: Any) -> None:
        ring_all()
        param -= step.lr * grad


@define
class AlarmedMetric(Metric):
    kind: ClassVar[str] = "alarmed_metric"

    def start(self) -> Any:
        return {"n": np.zeros(())}

    def update(self, state: Any, prediction: Any, target: Any, weight: Any) -> None:
        ring_all()

    def result(self, state: Any) -> float:
        ring_all()
        return 0.0


@pytest.fixture
def model() -> Model:
    return Model([Alarm()], input_shape=(2,), seed=0)


@pytest.fixture(autouse=True)
def _alarms_are_errors() -> Any:
    with np.errstate(**FINE):  # type: ignore[arg-type] # the words of NumPy
        yield


X, Y = np.ones((5, 2), np.float32), np.zeros((5, 2), np.float32)


def test_muted_is_silent_and_ends() -> None:
    with muted():
        ring_all()
    with pytest.raises(FloatingPointError):
        ring_all()


@pytest.mark.parametrize("silent", [alarms._silent, None], ids=["as found", "kept elsewhere"])
def test_muted_ends_where_an_error_leaves_it_and_within_itself(
    monkeypatch: pytest.MonkeyPatch, silent: Any
) -> None:
    monkeypatch.setattr(alarms, "_silent", silent)

    def fails_muted() -> None:
        with muted():
            with muted():
                ring_all()
            ring_all()
            raise KeyError

    with pytest.raises(KeyError):
        fails_muted()
    assert np.geterr() == FINE


def test_a_setting_is_found_without_a_change_to_that_of_the_thread() -> None:
    found = alarms._found_silent()
    assert np.geterr() == FINE
    assert (found is None) == (np.lib.NumpyVersion(np.__version__) < "2.0.0")


def test_layers_run_without_alarms(model: Model) -> None:
    assert np.array_equal(model.predict(X), X)
    for training in (True, False):
        assert np.array_equal(model.forward(X, training=training), X)
        assert np.array_equal(model.backward(X, inputs=True), X)


def test_a_loop_of_one_s_own_runs_without_alarms(model: Model) -> None:
    optimizer = AlarmedDescent(lr=0.1, clip_norm=1.0).attach(model)
    value, gradient = AlarmedLoss()(model.forward(X, training=True), Y)
    assert value == 10
    model.backward(gradient)
    optimizer.step()
    assert model.params["alarm/w"] == pytest.approx(0.9)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_training_and_evaluation_run_without_alarms(model: Model, accumulate: int) -> None:
    options = {"loss": AlarmedLoss(), "metrics": [AlarmedMetric()]}
    model.fit(
        X, Y, **options, optimizer=AlarmedDescent(), validation=(X, Y), batch_size=2,
        accumulate=accumulate, progress=False,
    )  # fmt: skip
    assert model.evaluate(X, Y, **options)["alarmed_metric"] == 0


def test_numbers_beyond_the_dtype_become_infinite(model: Model) -> None:
    assert np.isinf(model.predict(np.full((3, 2), 1e300))).all()
    assert np.isinf(model.forward(np.full((3, 2), 1e300))).all()


def test_the_caller_s_own_numbers_keep_their_alarms(model: Model) -> None:
    def batches() -> Any:
        yield X, Y
        np.exp(np.float32(1e4))

    options = {"loss": AlarmedLoss()}
    with pytest.raises(FloatingPointError, match="overflow"):
        model.evaluate(batches(), **options)
    with pytest.raises(FloatingPointError, match="overflow"):
        model.fit(batches(), **options, optimizer=AlarmedDescent(), progress=False)


def test_a_layer_alone_keeps_its_alarms(model: Model) -> None:
    with pytest.raises(PluginError, match=r"node .alarm. .*: FloatingPointError: over") as caught:
        model.new_pass().forward({"input": X}, training=False)
    assert isinstance(caught.value.__cause__, FloatingPointError)


def test_what_is_not_finite_is_still_told() -> None:
    model = Model([mlpk.layers.dense(units=1)], input_shape=(2,), seed=0)
    options = {"loss": "mean_squared_error", "optimizer": "sgd", "progress": False}
    target = np.zeros((5, 1), np.float32)
    with pytest.raises(DivergedError, match="in step 1, before the first update, though"):
        model.fit(np.full((5, 2), BIG), target, **options)
    broken = X.copy()
    broken[3, 1] = np.inf
    with pytest.raises(DataError, match="x: row 3 holds inf") as caught:
        model.fit(broken, target, **options)
    assert caught.value.row == 3


@pytest.mark.parametrize("value", [1e300, 1e-300])
@pytest.mark.parametrize("stream", [False, True])
def test_what_the_caller_passes_is_cast_without_alarms(value: float, *, stream: bool) -> None:
    model = Model([mlpk.layers.dense(units=1)], input_shape=(2,), seed=0)
    x, y = np.full((5, 2), value), np.full((5, 1), 1e-300)
    given = ([(x, y)],) if stream else (x, y)
    if value < 1:
        assert np.isfinite(model.evaluate(*given, loss="mean_squared_error")["loss"])
        model.fit(*given, loss="mean_squared_error", optimizer="sgd", progress=False)
        return
    with pytest.raises(DataError, match="holds inf as float32; clean the data first"):
        model.evaluate(*given, loss="mean_squared_error")
    with pytest.raises(DataError, match="holds inf as float32; clean the data first"):
        model.fit(*given, loss="mean_squared_error", optimizer="sgd", progress=False)
