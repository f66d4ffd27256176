"""Multi-head attention."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
from attrs import field
from attrs.validators import and_, ge, lt, optional
from mlpk import Context, Declaration, Example, Initializer, Layer, ShapeError, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape

from mlpk_attention.dot_product import Attended, attend, attend_back
from mlpk_attention.projection import project, project_back, project_input_back, projection
from mlpk_attention.sequence_shapes import check_mask_shape, sequence_width
from mlpk_attention.visibility import hidden_pairs


class Saved(NamedTuple):
    """What the way back needs."""

    x: Array
    context: Array
    heads: Array  # (n, T, heads * value_width), before the last projection
    attended: Attended


@define
class MultiHeadAttention(Layer):
    """y = [O_1, ..., O_heads] W_o + b_o, O = softmax(Q K' / sqrt(key_width)) V, for each head.

    Q = x W_q + b_q, and of the context K = c W_k + b_k, V = c W_v + b_v. Without a context, c = x.

    x (n, T, n_in), maybe a context (n, S, n_context), and then maybe a mask (n, S), bool -> y
    (n, T, width). What is masked with false is not seen, whatever stands there; self-attention
    with a mask takes x twice. With `causal`, step t sees steps 0 to t of the context. A step that
    sees nothing gets O = 0. With `rate`, training drops some of the softmax's values.

    query_weight (n_in, heads * key_width), key_weight (n_context, heads * key_width), value_weight
    (n_context, heads * value_width), output_weight (heads * value_width, width); query_bias and so
    on. width None is n_in, key_width None is width / heads, value_width None is key_width.

    heads, key_width, value_width, width >= 1, 0 <= rate < 1. Vaswani et al., Attention is all you
    need, 2017, section 3.2.
    """

    kind: ClassVar[str] = "multi_head_attention"
    takes: ClassVar[tuple[str, ...]] = ("real", "real", "bool")

    heads: int = field(validator=ge(1))
    key_width: int | None = field(default=None, validator=optional(ge(1)))
    value_width: int | None = field(default=None, validator=optional(ge(1)))
    width: int | None = field(default=None, validator=optional(ge(1)))
    causal: bool = False
    bias: bool = True
    rate: float = field(default=0.0, validator=and_(ge(0), lt(1)))
    init: Initializer | str = "glorot_uniform"

    def declare(
        self, x: Shape, context: Shape | None = None, mask: Shape | None = None
    ) -> Declaration:
        n_in = sequence_width(x, "a sequence")
        seen = x if context is None else context
        n_context = sequence_width(seen, "a context (a mask comes after it: x, x, mask)")
        check_mask_shape(mask, seen)
        width = self.width or n_in
        key_width = self.key_width or self._share(width)
        value_width = self.value_width or key_width
        shapes = {
            "query": (n_in, self.heads * key_width),
            "key": (n_context, self.heads * key_width),
            "value": (n_context, self.heads * value_width),
            "output": (self.heads * value_width, width),
        }
        params = {
            name: param
            for part, shape in shapes.items()
            for name, param in projection(part, *shape, self.init, bias=self.bias).items()
        }
        return Declaration((x[0], width), params)

    def _share(self, width: int) -> int:
        if width % self.heads:
            raise ShapeError(
                f"wanted a width that {self.heads} heads can share, found {width}; "
                "give key_width, the width of each head, to have another"
            )
        return width // self.heads

    def forward(
        self,
        arrays: Arrays,
        ctx: Context,
        x: Array,
        context: Array | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Saved]:
        x = ctx.contiguous("x", x)
        if context is None:
            context = x
        elif mask is None:
            context = ctx.contiguous("context", context)
        else:
            context = _seen(ctx, context, mask)
        query = project(ctx, arrays, "query", x)
        key, value = (project(ctx, arrays, part, context) for part in ("key", "value"))
        hidden = hidden_pairs(ctx, mask, x.shape[1], context.shape[1], causal=self.causal)
        heads, attended = attend(ctx, query, key, value, hidden, heads=self.heads, rate=self.rate)
        return project(ctx, arrays, "output", heads), Saved(x, context, heads, attended)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Saved, dy: Array, grads: Grads
    ) -> Array | tuple[Array | None, ...] | None:
        dy = ctx.contiguous("dy", dy)
        project_back("output", saved.heads, dy, grads)
        dheads = project_input_back(ctx, arrays, "output", dy)
        dquery, dkey, dvalue = attend_back(ctx, saved.attended, dheads)
        project_back("query", saved.x, dquery, grads)
        project_back("key", saved.context, dkey, grads)
        project_back("value", saved.context, dvalue, grads)
        dx = dcontext = None
        needed = ctx.needs_input_grad
        if needed[0]:
            dx = project_input_back(ctx, arrays, "query", dquery)
        if needed[:2][-1]:
            dcontext = project_input_back(ctx, arrays, "key", dkey)
            dcontext += project_input_back(ctx, arrays, "value", dvalue)
        if len(needed) > 1:
            return (dx, dcontext, None)[: len(needed)]
        if dx is not None:
            dx += dcontext
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(heads=2), (3, 4))
        yield Example(cls(heads=2, causal=True, bias=False), (None, 4))
        yield Example(cls(heads=1, key_width=2, value_width=3, width=2), (2, 3), (None, 2))
        yield Example(cls(heads=2, rate=0.3), (3, 2), (4, 3), (4,), draw=_padded)
        yield Example(cls(heads=2, causal=True, key_width=1), (3, 2), (4, 3), (4,), draw=_padded)


def _seen(ctx: Context, context: Array, mask: Array) -> Array:
    """Return a copy of the context with zeros where the mask is false; lengths may show only now."""
    check_mask_shape(mask.shape[1:], context.shape[1:])
    seen = ctx.empty("seen", context.shape)
    seen.fill(0)
    np.copyto(seen, context, where=mask[..., None])
    return seen


def _padded(rng: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
    """Draw n rows for an example on (3, 2), (4, 3) and (4,); every third sees nothing at all."""
    mask = rng.random((n, 4)) < 0.6  # noqa: PLR2004 - a share
    mask[2::3] = False
    return rng.standard_normal((n, 3, 2)), rng.standard_normal((n, 4, 3)), mask
