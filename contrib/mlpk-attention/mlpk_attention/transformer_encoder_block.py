"""Transformer encoder block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
from attrs import field
from attrs.validators import and_, ge, lt, optional
from mlpk import Buffer, Context, Declaration, Example, Initializer, Layer, ShapeError, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape

from mlpk_attention.dropout import drawn_factors, times
from mlpk_attention.feed_forward import Fed, feed_forward, feed_forward_back
from mlpk_attention.multi_head_attention import MultiHeadAttention
from mlpk_attention.part import Part
from mlpk_attention.projection import projection
from mlpk_attention.sequence_shapes import check_mask_shape, sequence_width


class Saved(NamedTuple):
    """What the way back needs: what each part keeps, and what stands between them."""

    first: Any
    attention: Any
    seen_factors: Array | None  # of dropout
    second: Any
    feed: Fed
    fed_factors: Array | None  # of dropout


@define
class TransformerEncoderBlock(Layer):
    """h = x + attention(norm_1(x)); y = h + activation(norm_2(h) W + b) W_o + b_o.

    x (n, T, width), and maybe a mask (n, T), bool -> y (n, T, width). Steps that are masked with
    false are not seen by others; what comes out at them means nothing. With `causal`, step t sees
    steps 0 to t. With `rate`, training drops values of the attention's softmax and of what each
    part adds, as GPT-2 does.

    Normalisation comes before each part, and the sums are left alone: Xiong et al., On layer
    normalization in the transformer architecture, 2020, show that such stacks train without a
    warmup. Behind the last block stands a layer_norm of the network's own.

    first_norm_ and second_norm_ are the arrays of two copies of `norm`, attention_ those of
    multi_head_attention, activation_ those of `activation`, where there are such; hidden_weight
    (width, hidden), hidden_bias, output_weight (hidden, width), output_bias. hidden None is four
    times the width. heads, hidden >= 1, 0 <= rate < 1.
    """

    kind: ClassVar[str] = "transformer_encoder_block"
    takes: ClassVar[tuple[str, ...]] = ("real", "bool")
    wraps: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "norm": ("first_norm_", "second_norm_"),
        "activation": ("activation_",),
    }

    heads: int = field(validator=ge(1))
    hidden: int | None = field(default=None, validator=optional(ge(1)))
    causal: bool = False
    rate: float = field(default=0.0, validator=and_(ge(0), lt(1)))
    norm: Layer | str = "layer_norm"
    activation: Layer | str = "gelu"
    init: Initializer | str = "glorot_uniform"

    def declare(self, x: Shape, mask: Shape | None = None) -> Declaration:
        width = sequence_width(x, "a sequence")
        check_mask_shape(mask, x)
        hidden = self.hidden or 4 * width
        arrays = {
            **projection("hidden", width, hidden, self.init),
            **projection("output", hidden, width, self.init),
        }
        buffers: dict[str, Buffer] = {}
        min_rows = 1
        first, attention, second, activation = self._parts()
        middle = (x[0], hidden)
        for part, shape in ((first, x), (attention, x), (second, x), (activation, middle)):
            inner = part.layer.declare(shape)
            if inner.output != shape:
                raise ShapeError(
                    f"wanted a layer that keeps the shape {shape}, found "
                    f"'{part.layer.kind}', which makes it {inner.output}"
                )
            arrays |= part.named(inner.params)
            buffers |= part.named(inner.buffers)
            min_rows = max(min_rows, inner.min_rows)
        return Declaration(x, arrays, buffers, min_rows=min_rows)

    def _parts(self) -> tuple[Part, Part, Part, Part]:
        norm, activation = Layer.of(self.norm), Layer.of(self.activation)
        attention = MultiHeadAttention(
            heads=self.heads, causal=self.causal, rate=self.rate, init=self.init
        )
        return (
            Part("first_norm", norm),
            Part("attention", attention),
            Part("second_norm", norm),
            Part("activation", activation),
        )

    def forward(
        self, arrays: Arrays, ctx: Context, x: Array, mask: Array | None = None
    ) -> tuple[Array, Saved]:
        first, attention, second, activation = self._parts()
        middle, y = ctx.empty("middle", x.shape), ctx.empty("y", x.shape)
        z, of_first = first.forward(arrays, ctx, x)
        inputs = (z,) if mask is None else (z, z, mask)
        seen, of_attention = attention.forward(arrays, ctx, *inputs)
        seen_factors = drawn_factors(ctx, "seen_factors", x.shape, self.rate)
        np.add(x, times(ctx, "seen", seen, seen_factors), out=middle)
        z, of_second = second.forward(arrays, ctx, middle)
        fed, of_feed = feed_forward(ctx, arrays, activation, z)
        fed_factors = drawn_factors(ctx, "fed_factors", x.shape, self.rate)
        np.add(middle, times(ctx, "dropped", fed, fed_factors), out=y)
        return y, Saved(of_first, of_attention, seen_factors, of_second, of_feed, fed_factors)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Saved, dy: Array, grads: Grads
    ) -> Array | tuple[Array | None, None] | None:
        first, attention, second, activation = self._parts()
        dy = ctx.contiguous("dy", dy)
        dfed = times(ctx, "dfed", dy, saved.fed_factors)
        dz = feed_forward_back(ctx, arrays, activation, saved.feed, dfed, grads)
        dz = second.backward(arrays, ctx, saved.second, dz, grads)
        dmiddle = np.add(dy, dz, out=ctx.empty("dmiddle", dy.shape))
        dseen = times(ctx, "dseen", dmiddle, saved.seen_factors)
        masked = len(ctx.needs_input_grad) > 1
        dinputs = attention.backward(
            arrays, ctx, saved.attention, dseen, grads, inputs=3 if masked else 1
        )
        dz = np.add(dinputs[0], dinputs[1], out=dinputs[0]) if masked else dinputs
        dz = first.backward(arrays, ctx, saved.first, dz, grads)
        dx = np.add(dmiddle, dz, out=dmiddle) if ctx.needs_input_grad[0] else None
        return (dx, None) if masked else dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(heads=2, hidden=3), (3, 2))
        yield Example(cls(heads=1, causal=True, norm="rms_norm", activation="silu"), (None, 2))
        yield Example(cls(heads=2, hidden=3, rate=0.2), (3, 2), (3,), draw=_padded)
        yield Example(cls(heads=1, hidden=2, norm="batch_norm", activation="prelu"), (3, 2))


def _padded(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Draw n rows for an example on (3, 2) and (3,): masked at the end, each third row whole."""
    mask = np.arange(3) < rng.integers(1, 4, size=(n, 1))
    mask[2::3] = False
    return rng.standard_normal((n, 3, 2)), mask
