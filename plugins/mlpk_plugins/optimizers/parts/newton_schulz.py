"""The matrix with orthogonal rows or columns that is nearest to another."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array
from mlpk.norm import norm
from mlpk.optimizer import Step

__all__ = ["orthogonalised"]

# x -> A x + B x**3 + C x**5 lifts small singular values fastest, and keeps those from 0.7 to 1.2
# there: five steps bring all that are above a hundredth of the largest into that range.
A, B, C = 3.4445, -4.7750, 2.0315
STEPS = 5
LEAST = 1e-7  # a shorter matrix is noise, and stays near 0


def orthogonalised(matrix: Array, step: Step) -> None:
    """Move the singular values of a matrix near to 1, in place; scratch memory comes from `step`.

    With X = matrix / |matrix|, each step is X = A X + (B G + C G G) X, G = X X'. The shorter side
    stands in front, so that G is small.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    given = matrix.T if tall else matrix
    rows = len(given)
    x, product = (step.scratch(name, matrix).reshape(given.shape) for name in ("x", "product"))
    gram, mixed = (
        step.scratch(name, matrix).reshape(-1)[: rows * rows].reshape(rows, rows)
        for name in ("gram", "mixed")
    )
    np.divide(given, max(norm(matrix), LEAST), out=x)
    for _ in range(STEPS):
        np.matmul(x, x.T, out=gram)
        np.matmul(gram, gram, out=mixed)
        mixed *= C
        gram *= B
        mixed += gram
        np.matmul(mixed, x, out=product)
        x *= A
        x += product
    given[...] = x
