"""Everything that takes real numbers takes the worst of them, in a network, without a warning."""

import numpy as np
import pytest

import mlpk
from mlpk import Model

WORST = np.array([np.inf, -np.inf, np.nan, 3e38, -3e38, 1e-45])
FAR = np.array([1e4, -1e4, 1e4, 0.0, -1e4, 1e4])  # with ties


def _examples():
    for kind in mlpk.layers:
        for number, example in enumerate(mlpk.layers[kind].examples()):
            drawn = example.inputs(np.random.default_rng(0), 6)
            if len(drawn) == 1 and np.asarray(drawn[0]).dtype.kind == "f":
                yield pytest.param(example, id=f"{kind}-{number}")


EXAMPLES = list(_examples())
DTYPES = ["float32", "float64"]
# What keeps a number a number: 1 / (1 + |x|), a maximum or a bound.
BOUNDED = ["sigmoid", "tanh", "softmax", "softsign", "hard_sigmoid"]


def _filled(example, numbers, dtype):
    shape = np.shape(example.inputs(np.random.default_rng(0), 6)[0])
    return np.resize(numbers, shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_worst_numbers_bring_no_alarm(example, dtype):
    model = Model([example.instance], input_shape=example.input_shapes[0], dtype=dtype, seed=0)
    x = _filled(example, WORST, dtype)
    with np.errstate(all="raise"):
        y = model.predict(x)
        assert np.array_equal(model.forward(x), y, equal_nan=True)
        for training in (True, False):
            model.backward(model.forward(x, training=training))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("example", EXAMPLES)
def test_far_numbers_stay_numbers(example, dtype):
    model = Model([example.instance], input_shape=example.input_shapes[0], dtype=dtype, seed=0)
    x = _filled(example, FAR, dtype)
    run = model.new_pass()  # where alarms are heard
    for training in (True, False):
        y = run.forward({"input": x}, training=training)
        dinputs = run.backward({name: np.ones_like(output) for name, output in y.items()})
        for array in (*y.values(), *dinputs.values(), *model.grads.values()):
            assert np.isfinite(array).all()


@pytest.mark.parametrize("kind", BOUNDED)
def test_what_is_bounded_stays_so_at_the_largest_numbers(kind):
    model = Model([kind], input_shape=(3,), seed=0)
    y = model.predict(np.array([[3e38, -3e38, 3e38], [-3e38, -3e38, -3e38]], np.float32))
    assert (np.abs(y) <= 1).all()


@pytest.mark.parametrize(
    ("layer", "shape", "axes"),
    [
        ("batch_norm", (1000, 3), (0,)),
        ("layer_norm", (3, 1000), (1,)),
        ({"kind": "group_norm", "groups": 2}, (3, 500, 4), None),
    ],
)
def test_deviation_one_about_a_mean_of_ten_thousand(layer, shape, axes):
    x = (1e4 + np.random.default_rng(0).standard_normal(shape)).astype(np.float32)
    y = Model([layer], input_shape=shape[1:], seed=0).forward(x, training=True)
    exact, axes = x.astype(np.float64), axes or (1, 3)
    if shape == (3, 500, 4):
        exact = exact.reshape(3, 500, 2, 2)
    wanted = exact - exact.mean(axes, keepdims=True)
    wanted /= np.sqrt(exact.var(axes, keepdims=True) + 1e-5)
    assert y.dtype == np.float32
    assert np.abs(y - wanted.reshape(shape)).max() < 1e-3
