"""Projections: y = x W + b on the last axis, several of them in one layer, told apart by name.

All arrays that come in lie in C order, so that they are rows without a copy.
"""

from __future__ import annotations

import numpy as np
from mlpk import Context, Initializer, Param
from mlpk.arrays import Array, Arrays, Grads


def projection(
    name: str, n_in: int, n_out: int, init: Initializer | str, *, bias: bool = True
) -> dict[str, Param]:
    """Return "NAME_weight" (n_in, n_out) and, with `bias`, "NAME_bias" (n_out,), first 0."""
    params = {f"{name}_weight": Param((n_in, n_out), init)}
    if bias:
        params[f"{name}_bias"] = Param((n_out,), "zeros", decay=False)
    return params


def project(ctx: Context, arrays: Arrays, name: str, x: Array) -> Array:
    """Return x W + b, (..., n_out), in scratch memory, for x (..., n_in)."""
    weight, bias = arrays[f"{name}_weight"], arrays.get(f"{name}_bias")
    y = ctx.empty(f"{name}/y", (*x.shape[:-1], weight.shape[1]))
    np.matmul(_rows(x), weight, out=_rows(y))
    if bias is not None:
        y += bias
    return y


def project_back(name: str, x: Array, dy: Array, grads: Grads) -> None:
    """Write the gradients of weight and bias."""
    drows = _rows(dy)
    np.matmul(_rows(x).T, drows, out=grads[f"{name}_weight"])
    if f"{name}_bias" in grads:
        np.sum(drows, axis=0, out=grads[f"{name}_bias"])


def project_input_back(ctx: Context, arrays: Arrays, name: str, dy: Array) -> Array:
    """Return dx = dy W', (..., n_in), in scratch memory."""
    weight = arrays[f"{name}_weight"]
    dx = ctx.empty(f"{name}/dx", (*dy.shape[:-1], len(weight)))
    np.matmul(_rows(dy), weight.T, out=_rows(dx))
    return dx


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])
