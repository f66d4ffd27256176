"""What training makes small."""

import numpy as np
import pytest

import mlpk
from mlpk import Loss, define
from mlpk.errors import ConfigError, DataError, GraphError, PluginError, ShapeError
from mlpk.training.batch import Batch, Rows
from mlpk.training.objective import Objective, aligned, per_output

LOSS = "mean_squared_error"


def two_headed(dtype="float64", seed=0):
    x = mlpk.Input((3,), dtype=dtype, name="x")
    left = mlpk.layers.dense(units=1)(x, name="left")
    right = mlpk.layers.dense(units=2)(x, name="right")
    return mlpk.Model(inputs=x, outputs=[left, right], dtype=dtype, seed=seed)


def batch(targets, rows, weight=None):
    return Batch({}, targets, weight, rows)


def test_the_losses_of_the_outputs_add_up():
    objective = Objective(two_headed(), {"left": LOSS, "right": LOSS})
    outputs = {"left": np.array([[1.0], [3.0]]), "right": np.array([[0.0, 2.0], [0.0, 0.0]])}
    targets = {"left": np.array([0.0, 0.0]), "right": np.zeros((2, 2))}
    value = objective.forward(outputs, batch(targets, 2))
    assert objective.values == {"left": 5.0, "right": 1.0}  # (1 + 9) / 2 and 4 / 4
    assert value == 6.0
    assert objective.masses == {"left": 2.0, "right": 2.0}
    gradients = objective.backward()
    np.testing.assert_allclose(gradients["left"], [[1.0], [3.0]])  # 2 e / 2
    np.testing.assert_allclose(gradients["right"], [[0.0, 1.0], [0.0, 0.0]])  # 2 e / 4


@define
class Wary(Loss):
    """Keeps what it was asked to check; zero otherwise."""

    kind = "wary"
    asked = []  # noqa: RUF012 - of all instances

    def check(self, prediction, target):
        self.asked.append((prediction, target.tolist()))

    def forward(self, ctx, prediction, target, weight=None):
        return 0.0, prediction.shape

    def backward(self, ctx, saved):
        return np.zeros(saved)

    @classmethod
    def examples(cls):
        return iter(())


def test_targets_are_checked_once_as_a_whole_or_batch_by_batch():
    Wary.asked.clear()
    model = two_headed()
    x, y = {"x": np.zeros((5, 3))}, {"left": np.arange(5.0)}
    model.fit(x, y, loss={"left": Wary()}, optimizer="sgd", batch_size=2, epochs=2, progress=False)
    assert Wary.asked == [((1,), [[0.0], [1.0], [2.0], [3.0], [4.0]])]
    Wary.asked.clear()
    batches = [({"x": np.zeros((2, 3))}, {"left": np.array([i, 7.0])}) for i in range(2)]
    model.fit(batches, loss={"left": Wary()}, optimizer="sgd", progress=False)
    assert Wary.asked == [((1,), [[0.0], [7.0]]), ((1,), [[1.0], [7.0]])]


def test_mass_is_the_sum_of_the_weights():
    objective = Objective(two_headed(), {"left": LOSS})
    outputs = {"left": np.array([[1.0], [3.0]])}
    weight = np.array([0.5, 0.25])
    value = objective.forward(outputs, batch({"left": np.zeros(2)}, 2, weight))
    assert value == pytest.approx((0.5 * 1 + 0.25 * 9) / 0.75)
    assert objective.masses == {"left": 0.75}


def test_the_penalty_is_on_what_decays_alone():
    model = mlpk.Model([{"kind": "dense", "units": 2}, "batch_norm"], input_shape=(2,), seed=0)
    model.params["dense/weight"] = [[1.0, -2.0], [0.0, 3.0]]
    for name in ("dense/bias", "batch_norm/gamma", "batch_norm/beta"):
        model.params[name] = [100.0, 100.0]
    l2 = Objective(model, LOSS, mlpk.regularizers.l2(l2=0.1))
    assert l2.penalty() == pytest.approx(0.5 * 0.1 * (1 + 4 + 9))
    l1 = Objective(model, LOSS, {"kind": "l1", "l1": 0.1})
    assert l1.penalty() == pytest.approx(0.1 * (1 + 2 + 3))
    assert Objective(model, LOSS).penalty() == 0.0
    for grad in model.grads.values():
        grad.fill(1.0)
    l2.add_penalty_gradient()
    np.testing.assert_allclose(model.grads["dense/weight"], [[1.1, 0.8], [1.0, 1.3]], rtol=1e-6)
    for name in ("dense/bias", "batch_norm/gamma", "batch_norm/beta"):
        np.testing.assert_array_equal(model.grads[name], 1.0)


@pytest.mark.parametrize(
    ("last", "loss", "fits"),
    [
        (["softmax"], "softmax_cross_entropy", False),
        (["softmax", {"kind": "dropout", "rate": 0.1}], "softmax_cross_entropy", False),
        (["sigmoid"], "binary_cross_entropy", False),
        (["relu"], "softmax_cross_entropy", True),
        (["relu"], "cross_entropy", False),
        ([{"kind": "dropout", "rate": 0.1}], "cross_entropy", False),
        (["softmax"], "cross_entropy", True),
        (["softmax", "identity"], "cross_entropy", True),
        (["softmax"], "mean_squared_error", True),
    ],
)
def test_logits_and_probabilities_are_told_apart(last, loss, fits):
    model = mlpk.Model([{"kind": "dense", "units": 3}, *last], input_shape=(2,), seed=0)
    if fits:
        assert Objective(model, loss).losses
        return
    with pytest.raises(GraphError, match=loss) as caught:
        Objective(model, loss)
    assert ("twice would train badly" in str(caught.value)) == (loss != "cross_entropy")


@pytest.mark.parametrize(
    ("fed", "loss"),
    [
        (("sure", "sure"), "cross_entropy"),
        (("sure", "raw"), "softmax_cross_entropy"),
        (("raw", "sure"), "softmax_cross_entropy"),
    ],
)
def test_the_mean_of_probabilities_alone_is_one(fed, loss):
    x = mlpk.Input((4,))
    raw = mlpk.layers.dense(units=3)(x)
    given = {"raw": raw, "sure": mlpk.layers.softmax()(raw)}
    output = mlpk.layers.average()(*(given[name] for name in fed))
    model = mlpk.Model(inputs=x, outputs=output, seed=0)
    assert Objective(model, loss).losses
    other = {"cross_entropy", "softmax_cross_entropy"} - {loss}
    with pytest.raises(GraphError, match="probabilities"):
        Objective(model, other.pop())


def test_targets_are_checked_at_once_and_the_row_is_named():
    model = two_headed()
    rows = Rows(
        model.graph.inputs,
        ("left", "right"),
        "float64",
        np.zeros((4, 3)),
        {"left": np.zeros(4), "right": np.array([0, 1, 2, 1])},
        None,
        2,
    )
    with pytest.raises(
        DataError, match=r"^y\['right'\]: label 2 in row 2: wanted 0 to 1"
    ) as caught:
        Objective(model, {"left": LOSS, "right": "softmax_cross_entropy"}).check(rows)
    assert caught.value.row == 2
    single = mlpk.Model([{"kind": "dense", "units": 2}], input_shape=(3,), seed=0)
    rows = Rows(
        single.graph.inputs, ("dense",), "float32", np.zeros((4, 3)), np.ones(3 + 1), None, 2
    )
    with pytest.raises(ShapeError, match=r"^y: wanted targets of the predictions' shape"):
        Objective(single, LOSS).check(rows)


def test_a_wrong_label_in_a_batch_is_named_as_the_caller_numbered_it():
    model = mlpk.Model([{"kind": "dense", "units": 2}], input_shape=(3,), seed=0)
    objective = Objective(model, "softmax_cross_entropy")
    order = np.array([7, 3, 5])
    given = Batch({}, {"dense": np.array([0, 5])}, None, 2, start=1, order=order)
    with pytest.raises(DataError, match="label 5 in row 5: wanted 0 to 1") as caught:
        objective.forward({"dense": np.zeros((2, 2), np.float32)}, given)
    assert caught.value.row == 5


def test_what_is_given_goes_by_output():
    model, single = two_headed(), mlpk.Model(["relu"], input_shape=(3,), seed=0)
    assert per_output(single, LOSS, "loss") == {"relu": LOSS}
    assert per_output(single, {"kind": "l2"}, "loss") == {"relu": {"kind": "l2"}}
    assert per_output(model, {"right": LOSS}, "loss") == {"right": LOSS}
    assert per_output(model, (), "metrics") == {"left": ()}
    with pytest.raises(ConfigError, match=r"^loss: wanted a dict by output, with some of"):
        per_output(model, LOSS, "loss")
    with pytest.raises(ConfigError, match=r"there is no output 'rigth'. Did you mean 'right'\?"):
        per_output(model, {"rigth": LOSS}, "loss")
    with pytest.raises(ConfigError, match="at least one entry, found an empty dict"):
        per_output(model, {}, "loss")


@pytest.mark.parametrize(
    ("prediction", "target", "shape"),
    [
        ((4, 1), np.zeros(4), (4, 1)),
        ((4, 1), np.zeros(4, int), (4,)),  # labels, for losses to check
        ((4, 2), np.zeros(4), (4,)),
        ((4,), np.zeros(4), (4,)),
        ((4, 1), np.zeros((4, 1)), (4, 1)),
    ],
)
def test_real_targets_stand_in_a_column_where_predictions_do(prediction, target, shape):
    assert aligned(prediction, target).shape == shape


@pytest.mark.usefixtures("own_catalog")
def test_a_loss_of_others_gets_targets_that_do_not_broadcast():
    @define
    class Plain(Loss):
        kind = "plain"

        def forward(self, ctx, prediction, target, weight=None):
            assert prediction.shape == target.shape
            error = prediction - target
            return float((error**2).mean()), error

        def backward(self, ctx, saved):
            return 2 * saved / saved.size

    mlpk.plugins.add(Plain)
    x = np.linspace(-1, 1, 20, dtype=np.float32)[:, None]
    model = mlpk.Model([mlpk.layers.dense(units=1)], input_shape=(1,), seed=0)
    history = model.fit(
        x,
        3 * x[:, 0],
        loss=Plain(),
        optimizer=mlpk.optimizers.sgd(lr=0.5),
        epochs=40,
        progress=False,
    )
    assert history.metrics["loss"][-1] < 1e-6


@define
class Faulty(Loss):
    """A loss with a mistake on one of its ways."""

    kind = "faulty"

    fault: str

    def forward(self, ctx, prediction, target, weight=None):
        if self.fault == "forward":
            raise IndexError("no such column")
        return 1.0, prediction

    def backward(self, ctx, saved):
        if self.fault == "backward":
            raise IndexError("no such column")
        return saved[:, :1]

    @classmethod
    def examples(cls):
        yield from ()


@pytest.mark.parametrize("way", ["forward", "backward"])
def test_an_accident_in_a_loss_is_told_with_its_place(way):
    model = two_headed()
    objective = Objective(model, {"left": Faulty(fault=way)})
    outputs = {"left": np.ones((2, 2))}
    sentence = rf"^loss\['left'\] \(faulty\), {way}: IndexError: no such column$"

    def there_and_back():
        objective.forward(outputs, batch({"left": np.ones((2, 2))}, [0, 1]))
        objective.backward()

    with pytest.raises(PluginError, match=sentence) as caught:
        there_and_back()
    assert isinstance(caught.value.__cause__, IndexError)


def test_a_gradient_of_another_shape_is_told_with_the_loss():
    objective = Objective(two_headed(), {"left": Faulty(fault="shape")})
    objective.forward({"left": np.ones((2, 2))}, batch({"left": np.ones((2, 2))}, [0, 1]))
    sentence = r"loss\['left'\] \(faulty\), backward: .* shape \(2, 2\) .* found \(2, 1\)"
    with pytest.raises(ShapeError, match=sentence):
        objective.backward()
