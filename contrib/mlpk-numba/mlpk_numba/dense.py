"""Dense: the products by BLAS, the bias in a pass of its own each way."""

from __future__ import annotations

from typing import Any

from mlpk import Context
from mlpk.arrays import Array, Arrays, Grads

from mlpk_numba.column_sums import column_sums
from mlpk_numba.compiled import compiled
from mlpk_numba.matrices import multiply, multiply_both

__all__ = ["backward", "forward"]


def forward(dense: Any, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Any]:
    """Return x W + b."""
    rows = ctx.matrix("x", x)
    y = ctx.empty("y", (len(rows), dense.units))
    multiply(rows, arrays["weight"], y)
    if dense.bias:
        _add(arrays["bias"], y)
    return y if rows is x else y.reshape(*x.shape[:-1], dense.units), rows


def backward(
    dense: Any, arrays: Arrays, ctx: Context, rows: Any, dy: Array, grads: Grads
) -> Array | None:
    """Write dW = x' dy and db, the sum of dy over the rows; return dx = dy W'."""
    drows = ctx.matrix("dy", dy)
    if dense.bias:
        column_sums(drows, grads["bias"])
    weights = rows.T, drows, grads["weight"]
    if not ctx.needs_input_grad[0]:
        multiply(*weights)
        return None
    dx = ctx.empty("dx", rows.shape)
    multiply_both((drows, arrays["weight"].T, dx), weights)
    return dx if drows is dy else dx.reshape(*dy.shape[:-1], rows.shape[1])


@compiled
def _add(bias: Array, y: Array) -> None:
    for row in range(len(y)):
        for column in range(bias.size):
            y[row, column] += bias[column]
