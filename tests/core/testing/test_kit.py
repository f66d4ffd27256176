"""The kit itself: it lets what is right pass, and each planted fault fails the check made for it."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest
from attrs import field

import mlpk
from mlpk import (
    Buffer,
    Context,
    Declaration,
    Example,
    Initializer,
    Layer,
    Loss,
    Metric,
    Optimizer,
    Param,
    PluginError,
    Regularizer,
    Schedule,
    catalog,
    define,
)
from mlpk.testing import Case, cases, conformance


@pytest.fixture
def failed():
    """Return the checks that a kind of one's own fails, by name."""
    before = catalog.current()

    def run(*kinds: type) -> set[str]:
        for kind in kinds:
            mlpk.plugins.add(kind)
        return {case.check.__name__ for case in cases("_local") if _fails(case)}

    yield run
    catalog.swap(lambda _: before)


def _fails(case: Case) -> bool:
    try:
        case.run()
    except (AssertionError, ValueError, TypeError, AttributeError):  # or what the plugin raised
        return True
    return False


class Affine(Layer):
    """y = x * w + b, elementwise, right in every respect; the faulty ones change a method."""

    def declare(self, x):
        return Declaration(x, {"w": Param((x[-1],), "ones"), "b": Param((x[-1],), "zeros")})

    def forward(self, arrays, ctx, x):
        y = np.multiply(x, arrays["w"], out=ctx.empty("y", x.shape))
        y += arrays["b"]
        return y, x

    def backward(self, arrays, ctx, saved, doutput, grads):
        product = np.multiply(saved, doutput, out=ctx.empty("product", saved.shape))
        np.sum(product, axis=0, out=grads["w"])
        np.sum(doutput, axis=0, out=grads["b"])
        if not ctx.needs_input_grad[0]:
            return None
        return np.multiply(doutput, arrays["w"], out=ctx.empty("dx", saved.shape))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,), linear=True)


@define
class Right(Affine):
    kind: ClassVar[str] = "right"


@define
class ForgottenBias(Affine):
    kind: ClassVar[str] = "forgotten_bias"

    def backward(self, arrays, ctx, saved, doutput, grads):
        np.sum(saved * doutput, axis=0, out=grads["w"])
        return doutput * arrays["w"]


@define
class WrongSign(Affine):
    kind: ClassVar[str] = "wrong_sign"

    def backward(self, arrays, ctx, saved, doutput, grads):
        return -super().backward(arrays, ctx, saved, doutput, grads)


@define
class InPlace(Affine):
    kind: ClassVar[str] = "in_place"

    def forward(self, arrays, ctx, x):
        held = x.copy()
        x *= arrays["w"]
        x += arrays["b"]
        return x, held


@define
class ChangesDoutput(Affine):
    kind: ClassVar[str] = "changes_doutput"

    def backward(self, arrays, ctx, saved, doutput, grads):
        np.sum(saved * doutput, axis=0, out=grads["w"])
        np.sum(doutput, axis=0, out=grads["b"])
        doutput *= arrays["w"]
        return doutput


@define
class Doubles(Affine):
    kind: ClassVar[str] = "doubles"

    def forward(self, arrays, ctx, x):
        return x * arrays["w"].astype(np.float64) + arrays["b"], x


@define
class DoubleGradient(Affine):
    kind: ClassVar[str] = "double_gradient"

    def backward(self, arrays, ctx, saved, doutput, grads):
        return super().backward(arrays, ctx, saved, doutput, grads) * np.float64(1)


@define
class Adds(Affine):
    kind: ClassVar[str] = "adds"

    def backward(self, arrays, ctx, saved, doutput, grads):
        grads["w"][...] += (saved * doutput).sum(axis=0)
        grads["b"][...] = doutput.sum(axis=0)
        return doutput * arrays["w"]


@define
class StopsEarly(Affine):
    """Writes no gradient where nobody wants that of the input."""

    kind: ClassVar[str] = "stops_early"

    def backward(self, arrays, ctx, saved, doutput, grads):
        if not ctx.needs_input_grad[0]:
            return None
        return super().backward(arrays, ctx, saved, doutput, grads)


@define
class Stale(Affine):
    """Reads its output of the way there back out of scratch memory."""

    kind: ClassVar[str] = "stale"

    def backward(self, arrays, ctx, saved, doutput, grads):
        x = (ctx.empty("y", saved.shape) - arrays["b"]) / arrays["w"]
        return super().backward(arrays, ctx, x, doutput, grads)


@define
class OnSelf(Affine):
    """Remembers its input on the layer."""

    kind: ClassVar[str] = "on_self"

    def forward(self, arrays, ctx, x):
        object.__setattr__(self, "x", x)
        return super().forward(arrays, ctx, x)

    def backward(self, arrays, ctx, saved, doutput, grads):
        return super().backward(arrays, ctx, self.x, doutput, grads)


@define
class Square(Affine):
    """Says that it is linear, and is not."""

    kind: ClassVar[str] = "square"

    def declare(self, x):
        return Declaration(x)

    def forward(self, arrays, ctx, x):
        return x * x, x

    def backward(self, arrays, ctx, saved, doutput, grads):
        return 2 * saved * doutput


class Plain(Layer):
    """y = x, for faults of another kind."""

    def declare(self, x):
        return Declaration(x)

    def forward(self, arrays, ctx, x):
        return x.copy(), None

    def backward(self, arrays, ctx, saved, doutput, grads):
        return doutput

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,))


@define
class WrongShape(Plain):
    kind: ClassVar[str] = "wrong_shape"

    def declare(self, x):
        return Declaration((x[-1] + 1,))


@define
class BatchStatistics(Plain):
    """Takes the mean of the batch in evaluation too."""

    kind: ClassVar[str] = "batch_statistics"

    def forward(self, arrays, ctx, x):
        return x - x.mean(axis=0), None

    def backward(self, arrays, ctx, saved, doutput, grads):
        return doutput - doutput.mean(axis=0)


@define
class CountsInEvaluation(Plain):
    kind: ClassVar[str] = "counts_in_evaluation"

    def declare(self, x):
        return Declaration(x, {}, {"count": Buffer((), 0.0)})

    def forward(self, arrays, ctx, x):
        arrays["count"][...] += 1
        return x.copy(), None


@define
class OwnDice(Plain):
    """Draws from a generator of its own."""

    kind: ClassVar[str] = "own_dice"

    def forward(self, arrays, ctx, x):
        noise = np.random.default_rng().standard_normal(x.shape) if ctx.training else 0.0
        return (x + noise).astype(x.dtype), None


@define
class Dice(Plain):
    """The same with the context's: right."""

    kind: ClassVar[str] = "dice"

    def forward(self, arrays, ctx: Context, x):
        noise = ctx.rng.standard_normal(x.shape) if ctx.training else 0.0
        return (x + noise).astype(x.dtype), None


LAYERS = {
    ForgottenBias: {"gradients_agree_with_differences", "gradients_are_written_whole"},
    WrongSign: {"gradients_agree_with_differences"},
    InPlace: {"inputs_are_left_alone"},
    ChangesDoutput: {"inputs_are_left_alone"},
    Doubles: {"float32_stays_float32"},
    DoubleGradient: {"float32_stays_float32"},
    Adds: {"gradients_are_written_whole"},
    StopsEarly: {"parameters_learn_when_no_input_does"},
    Stale: {"gradients_agree_with_differences"},
    OnSelf: {"twice_in_a_net_and_interleaved"},
    Square: {"linear_where_it_says_so"},
    WrongShape: {"declared_shapes_are_real"},
    BatchStatistics: {"evaluation_sees_one_row"},
    CountsInEvaluation: {"evaluation_writes_no_buffer"},
    OwnDice: {"same_seed_same_answer", "gradients_agree_with_differences"},
}


def test_what_is_right_passes(failed):
    assert failed(Right, Dice, Mean, Descent, Share, Straight, Ramp, Ridge) == set()


@pytest.mark.parametrize("fault", LAYERS, ids=lambda kind: kind.kind)
def test_a_faulty_layer_fails(failed, fault):
    assert failed(fault) >= LAYERS[fault]


class Squares(Loss):
    """sum(w * (y - t)**2) / sum(w), right unless a method is changed."""

    power: ClassVar[int] = 1

    def forward(self, ctx, prediction, target, weight=None):
        w = np.ones(len(target), ctx.dtype) if weight is None else weight.astype(ctx.dtype)
        share = (w / w.sum())[:, None]
        error = prediction - target
        return float((share * error * error).sum()), (share, error)

    def backward(self, ctx, saved):
        share, error = saved
        return 2 * share * error

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(
            cls(),
            (2,),
            draw=lambda rng, n: (rng.standard_normal((n, 2)), rng.standard_normal((n, 2))),
        )


@define
class Mean(Squares):
    kind: ClassVar[str] = "mean"


@define
class NoHalf(Squares):
    kind: ClassVar[str] = "no_half"

    def backward(self, ctx, saved):
        return super().backward(ctx, saved) / 2


@define
class Unweighted(Squares):
    kind: ClassVar[str] = "unweighted"

    def forward(self, ctx, prediction, target, weight=None):
        return super().forward(ctx, prediction, target)


@define
class Sum(Squares):
    """A sum that calls itself a mean."""

    kind: ClassVar[str] = "sum"

    def forward(self, ctx, prediction, target, weight=None):
        w = np.ones(len(target), ctx.dtype) if weight is None else weight.astype(ctx.dtype)
        error = prediction - target
        return float((w[:, None] * error * error).sum()), (w[:, None], error)


@define
class OverPrediction(Squares):
    kind: ClassVar[str] = "over_prediction"

    def forward(self, ctx, prediction, target, weight=None):
        value, (share, _) = super().forward(ctx, prediction, target, weight)
        prediction -= target
        return value, (share, prediction)


@define
class NumpyFloat(Squares):
    kind: ClassVar[str] = "numpy_float"

    def forward(self, ctx, prediction, target, weight=None):
        value, saved = super().forward(ctx, prediction, target, weight)
        return np.float32(value), saved


@define
class DoubleLoss(Squares):
    kind: ClassVar[str] = "double_loss"

    def backward(self, ctx, saved):
        return super().backward(ctx, saved).astype(np.float64)


@define
class StaleLoss(Squares):
    """Leaves its error in scratch memory and looks for it there."""

    kind: ClassVar[str] = "stale_loss"

    def forward(self, ctx, prediction, target, weight=None):
        value, (share, error) = super().forward(ctx, prediction, target, weight)
        ctx.empty("error", error.shape)[...] = error
        return value, (share, error.shape)

    def backward(self, ctx, saved):
        share, shape = saved
        return 2 * share * ctx.empty("error", shape)


LOSSES = {
    NoHalf: "gradient_agrees_with_differences",
    StaleLoss: "gradient_agrees_with_differences",
    NumpyFloat: "gradient_agrees_with_differences",
    Unweighted: "zero_weight_is_absence",
    Sum: "mass_joins_batches",
    OverPrediction: "inputs_are_left_alone",
    DoubleLoss: "float32_stays_float32",
}


@pytest.mark.parametrize("fault", LOSSES, ids=lambda kind: kind.kind)
def test_a_faulty_loss_fails(failed, fault):
    assert LOSSES[fault] in failed(fault)


@define
class Descent(Optimizer):
    kind: ClassVar[str] = "descent"

    def update(self, param, grad, slots, step):
        param -= np.multiply(grad, step.lr, out=step.scratch("step", param))


@define
class Ascent(Optimizer):
    kind: ClassVar[str] = "ascent"

    def update(self, param, grad, slots, step):
        param += step.lr * grad


@define
class OverGradient(Optimizer):
    kind: ClassVar[str] = "over_gradient"

    def update(self, param, grad, slots, step):
        grad *= step.lr
        param -= grad


@define
class StateOnObject(Optimizer):
    kind: ClassVar[str] = "state_on_object"

    def update(self, param, grad, slots, step):
        v = vars(self).get("v", np.zeros_like(param)) * 0.9 + grad
        object.__setattr__(self, "v", v)
        param -= step.lr * v


@define
class StateOnClass(Optimizer):
    kind: ClassVar[str] = "state_on_class"

    calls: ClassVar[list[int]] = []

    def update(self, param, grad, slots, step):
        self.calls.append(1)
        param -= step.lr / len(self.calls) * grad


@define
class NormOfBlock(Optimizer):
    """Scales by a norm, which depends on how the vector is cut."""

    kind: ClassVar[str] = "norm_of_block"

    def update(self, param, grad, slots, step):
        param -= step.lr * grad / np.linalg.norm(grad)


@define
class Halves(Optimizer):
    """Computes in half precision."""

    kind: ClassVar[str] = "halves"

    def update(self, param, grad, slots, step):
        param -= (np.float16(step.lr) * grad.astype(np.float16)).astype(param.dtype)
        param[...] = param.astype(np.float16)


OPTIMIZERS = {
    Ascent: "descends",
    OverGradient: "gradient_is_left_alone",
    StateOnObject: "all_state_is_in_slots",
    StateOnClass: "all_state_is_in_slots",
    NormOfBlock: "blocks_do_not_matter",
    Halves: "float32_stays_float32",
}


@pytest.mark.parametrize("fault", OPTIMIZERS, ids=lambda kind: kind.kind)
def test_a_faulty_optimizer_fails(failed, fault):
    StateOnClass.calls.clear()
    assert OPTIMIZERS[fault] in failed(fault)


def _labels(rng, n):
    return rng.standard_normal((n, 2)), rng.integers(2, size=n)


class Hits(Metric):
    """The share of rows whose class is right."""

    def start(self):
        return {"hits": np.zeros(()), "rows": np.zeros(())}

    def update(self, state, prediction, target, weight):
        w = np.ones(len(target)) if weight is None else weight
        state["hits"] += (w * (prediction.argmax(axis=1) == target)).sum()
        state["rows"] += w.sum()

    def result(self, state):
        return float(state["hits"] / state["rows"])

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (2,), draw=_labels)


@define
class Share(Hits):
    kind: ClassVar[str] = "share"


@define
class MeanOfMeans(Hits):
    kind: ClassVar[str] = "mean_of_means"

    def update(self, state, prediction, target, weight):
        w = np.ones(len(target)) if weight is None else weight
        state["hits"] += (w * (prediction.argmax(axis=1) == target)).sum() / w.sum()
        state["rows"] += 1


@define
class IgnoresWeights(Hits):
    kind: ClassVar[str] = "ignores_weights"

    def update(self, state, prediction, target, weight):
        super().update(state, prediction, target, None)


@define
class PlainNumbers(Hits):
    kind: ClassVar[str] = "plain_numbers"

    def start(self):
        return {"hits": 0.0, "rows": 0.0}


@define
class OverTarget(Hits):
    kind: ClassVar[str] = "over_target"

    def update(self, state, prediction, target, weight):
        super().update(state, prediction, target, weight)
        target[0] = 0


METRICS = {
    MeanOfMeans: "pieces_do_not_matter",
    IgnoresWeights: "weights_of_one_are_none",
    PlainNumbers: "state_is_arrays",
    OverTarget: "state_is_arrays",
}


@pytest.mark.parametrize("fault", METRICS, ids=lambda kind: kind.kind)
def test_a_faulty_metric_fails(failed, fault):
    assert METRICS[fault] in failed(fault)


@define
class Straight(Initializer):
    kind: ClassVar[str] = "straight"

    def draw(self, rng, shape, fans):
        return rng.random(shape)


@define
class Singles(Initializer):
    kind: ClassVar[str] = "singles"

    def draw(self, rng, shape, fans):
        return rng.random(shape, np.float32)


@define
class OwnDraw(Initializer):
    kind: ClassVar[str] = "own_draw"

    def draw(self, rng, shape, fans):
        return np.random.default_rng().random(shape)


@define
class Ramp(Schedule):
    kind: ClassVar[str] = "ramp"

    start: float = 0.1

    def at(self, t):
        return self.start / (1 + t)


@define
class Whole(Schedule):
    kind: ClassVar[str] = "whole"

    def at(self, t):
        return 1


@define
class Counting(Schedule):
    """Depends on how often it was asked."""

    kind: ClassVar[str] = "counting"

    asked: ClassVar[list[int]] = []

    def at(self, t):
        self.asked.append(t)
        return 1.0 / len(self.asked)


@define
class Ridge(Regularizer):
    kind: ClassVar[str] = "ridge"

    strength: float = field(default=0.5)

    def penalty(self, param):
        return self.strength * float((param * param).sum())

    def add_gradient(self, param, grad):
        grad += 2 * self.strength * param


@define
class Overwrites(Regularizer):
    kind: ClassVar[str] = "overwrites"

    def penalty(self, param):
        return 0.5 * float((param * param).sum())

    def add_gradient(self, param, grad):
        grad[...] = param


@define
class NumpyPenalty(Regularizer):
    kind: ClassVar[str] = "numpy_penalty"

    def penalty(self, param):
        return 0.5 * (param * param).sum()

    def add_gradient(self, param, grad):
        grad += param


OTHERS = {
    Singles: "shape_and_type_are_right",
    OwnDraw: "randomness_is_the_generators",
    Whole: "rates_are_numbers",
    Counting: "order_does_not_matter",
    Overwrites: "gradient_agrees_with_differences",
    NumpyPenalty: "float32_stays_float32",
}


@pytest.mark.parametrize("fault", OTHERS, ids=lambda kind: kind.kind)
def test_other_faulty_kinds_fail(failed, fault):
    assert OTHERS[fault] in failed(fault)


def test_a_failure_says_where_and_by_how_much(failed):
    failed(WrongSign)
    case = next(case for case in cases("_local") if str(case).endswith("with_differences"))
    assert str(case) == "_local:wrong_sign-0-gradients_agree_with_differences"
    with pytest.raises(AssertionError, match=r"gradient of the input x0 in training: off by .* at \("):
        case.run()


@define
class NoExamples(Plain):
    kind: ClassVar[str] = "no_examples"

    @classmethod
    def examples(cls) -> Iterator[Example]:
        return iter(())


def test_a_kind_without_examples_is_no_kind_that_passed(failed):
    with pytest.raises(PluginError, match="'_local:no_examples' has no examples"):
        failed(NoExamples)


def test_a_distribution_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(PluginError, match="no active plugin is called 'nope', and none is") as caught:
        conformance("nope")
    assert "Active are: mlpk" in str(caught.value)
    assert caught.value.dist == "nope"


def test_the_kit_is_a_parametrised_pytest_function(failed):
    failed(Right)
    function = conformance("_local")
    (mark,) = function.pytestmark
    assert mark.name == "parametrize"
    assert [str(case) for case in mark.args[1]] == [str(case) for case in cases("_local")]
    for case in mark.args[1]:
        function(case)


def test_every_check_runs_on_every_example_of_first_party_kinds():
    made = cases("mlpk")
    kinds = {case.kind for case in made}
    for family in ("layers", "losses", "optimizers", "initializers", "schedules", "metrics"):
        assert set(getattr(mlpk, family)) <= kinds
    dense = [case for case in made if case.kind == "dense"]
    assert {case.number for case in dense} == set(range(len(list(mlpk.layers.dense.examples()))))
