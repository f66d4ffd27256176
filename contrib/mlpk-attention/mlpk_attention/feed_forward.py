"""The two dense layers of a block: y = activation(x W + b) W_o + b_o, on the last axis."""

from __future__ import annotations

from typing import Any, NamedTuple

from mlpk import Context
from mlpk.arrays import Array, Arrays, Grads

from mlpk_attention.part import Part
from mlpk_attention.projection import project, project_back, project_input_back


class Fed(NamedTuple):
    """What the way back needs."""

    x: Array
    activation: Any
    active: Array


def feed_forward(ctx: Context, arrays: Arrays, activation: Part, given: Array) -> tuple[Array, Fed]:
    """Return y, and what the way back needs."""
    x = ctx.contiguous("fed", given)
    z, saved = activation.forward(arrays, ctx, project(ctx, arrays, "hidden", x))
    active = ctx.contiguous("active", z)
    return project(ctx, arrays, "output", active), Fed(x, saved, active)


def feed_forward_back(
    ctx: Context, arrays: Arrays, activation: Part, saved: Fed, dy: Array, grads: Grads
) -> Array:
    """Write the gradients of both layers and the activation, and return that of x."""
    project_back("output", saved.active, dy, grads)
    dactive = project_input_back(ctx, arrays, "output", dy)
    dz = activation.backward(arrays, ctx, saved.activation, dactive, grads)
    dz = ctx.contiguous("dz", dz)
    project_back("hidden", saved.x, dz, grads)
    return project_input_back(ctx, arrays, "hidden", dz)
