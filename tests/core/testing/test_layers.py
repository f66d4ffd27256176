"""The checks of layers: what is right passes, and each planted fault fails the one made for it."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest

from mlpk import Buffer, Context, Declaration, Example, Layer, Param, ShapeError, define
from mlpk.declaration import known


class Affine(Layer):
    """y = x * w + b, elementwise, right in every respect; the faulty ones change a method."""

    def declare(self, x):
        if not x:
            raise ShapeError("wanted an axis of features, found none")
        n = known(x[-1])
        return Declaration(x, {"w": Param((n,), "ones"), "b": Param((n,), "zeros")})

    def forward(self, arrays, ctx, x):
        y = np.multiply(x, arrays["w"], out=ctx.empty("y", x.shape))
        y += arrays["b"]
        return y, x

    def backward(self, arrays, ctx, saved, doutput, grads):
        product = np.multiply(saved, doutput, out=ctx.empty("product", saved.shape))
        over = tuple(range(saved.ndim - 1))
        np.sum(product, axis=over, out=grads["w"])
        np.sum(doutput, axis=over, out=grads["b"])
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


@define
class FirstEight(Affine):
    """Forgets all features after the eighth on the way back."""

    kind: ClassVar[str] = "first_eight"

    def backward(self, arrays, ctx, saved, doutput, grads):
        dx = super().backward(arrays, ctx, saved, doutput, grads)
        if dx is not None:
            dx[..., 8:] = 0
        return dx


class Plain(Layer):
    """y = x, for faults of another kind."""

    def declare(self, x):
        return Declaration(x)

    def forward(self, arrays, ctx, x):
        y = ctx.empty("y", x.shape)
        np.copyto(y, x)
        return y, None

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
        y, _ = super().forward(arrays, ctx, x)
        if ctx.training:
            y += ctx.rng.standard_normal(out=ctx.empty("noise", x.shape), dtype=x.dtype)
        return y, None


@define
class Wears(Plain):
    """Gives less each time that one pass uses it."""

    kind: ClassVar[str] = "wears"

    def forward(self, arrays, ctx: Context, x):
        ctx.uses = getattr(ctx, "uses", 0) + 1
        return x / ctx.uses, ctx.uses

    def backward(self, arrays, ctx, saved, doutput, grads):
        return doutput / saved


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
    FirstEight: {"adjoint_at_full_size"},
    Wears: {"same_seed_same_answer"},
    WrongShape: {"declared_shapes_are_real"},
    BatchStatistics: {"evaluation_sees_one_row"},
    CountsInEvaluation: {"evaluation_writes_no_buffer"},
    OwnDice: {"same_seed_same_answer", "gradients_agree_with_differences"},
}


def test_what_is_right_passes(failed):
    assert failed(Right, Dice) == set()


@pytest.mark.parametrize("fault", LAYERS, ids=lambda kind: kind.kind)
def test_a_faulty_layer_fails(failed, fault):
    assert failed(fault) >= LAYERS[fault]
