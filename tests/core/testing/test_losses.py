"""The checks of losses: what is right passes, and each planted fault fails the one made for it."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest

from mlpk import Example, Loss, define


class Squares(Loss):
    """sum(w * (y - t)**2) / sum(w), right unless a method is changed."""

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


@define
class PerRow(Squares):
    """sum(w * (y - t)**2) / N: weights that all are 3 make it three times as large."""

    kind: ClassVar[str] = "per_row"

    def forward(self, ctx, prediction, target, weight=None):
        value, (share, error) = super().forward(ctx, prediction, target, weight)
        mass = 1.0 if weight is None else float(weight.mean())
        return value * mass, (share * mass, error)


@define
class InMemoryOrder(Squares):
    """Reads predictions in the order in which they lie in memory."""

    kind: ClassVar[str] = "in_memory_order"

    def forward(self, ctx, prediction, target, weight=None):
        prediction = prediction.ravel(order="K").reshape(prediction.shape)
        return super().forward(ctx, prediction, target, weight)


@define
class KeepsShares(Squares):
    """Goes on with the number of rows that its context saw first."""

    kind: ClassVar[str] = "keeps_shares"

    def forward(self, ctx, prediction, target, weight=None):
        value, (share, error) = super().forward(ctx, prediction, target, weight)
        vars(ctx).setdefault("share", share)
        return value, (ctx.share if weight is None else share, error)


@define
class OnClass(Squares):
    """Remembers the error on the class."""

    kind: ClassVar[str] = "on_class"

    held: ClassVar[dict[str, object]] = {}

    def forward(self, ctx, prediction, target, weight=None):
        value, self.held["saved"] = super().forward(ctx, prediction, target, weight)
        return value, None

    def backward(self, ctx, saved):
        return super().backward(ctx, self.held["saved"])


@define
class Rough(Squares):
    """Computes float32 in float16."""

    kind: ClassVar[str] = "rough"

    def forward(self, ctx, prediction, target, weight=None):
        if prediction.dtype == np.float32:
            prediction = prediction.astype(np.float16).astype(np.float32)
        return super().forward(ctx, prediction, target, weight)


@define
class Overflowing(Squares):
    """Right, but for what it computes on the way."""

    kind: ClassVar[str] = "overflowing"

    def forward(self, ctx, prediction, target, weight=None):
        np.exp(np.full(2, 1e4))
        return super().forward(ctx, prediction, target, weight)


LOSSES = {
    PerRow: "size_of_weights_does_not_matter",
    InMemoryOrder: "place_in_memory_does_not_matter",
    KeepsShares: "sizes_may_change",
    OnClass: "two_contexts_take_turns",
    Rough: "float32_stays_float32",
    Overflowing: "ordinary_values_raise_no_alarm",
    NoHalf: "gradient_agrees_with_differences",
    StaleLoss: "gradient_agrees_with_differences",
    NumpyFloat: "gradient_agrees_with_differences",
    Unweighted: "zero_weight_is_absence",
    Sum: "mass_joins_batches",
    OverPrediction: "inputs_are_left_alone",
    DoubleLoss: "float32_stays_float32",
}


def test_what_is_right_passes(failed):
    assert failed(Mean) == set()


@pytest.mark.parametrize("fault", LOSSES, ids=lambda kind: kind.kind)
def test_a_faulty_loss_fails(failed, fault):
    assert LOSSES[fault] in failed(fault)
