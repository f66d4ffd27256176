"""Orthogonal."""

from __future__ import annotations

from math import prod
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import gt

from mlpk import Initializer, define
from mlpk.arrays import Array
from mlpk.errors import ShapeError


@define
class Orthogonal(Initializer):
    """A random matrix whose columns, or rows if there are fewer, are orthogonal and `gain` long.

    The matrix is the weight with all axes but the last taken together, (rows, cols): W^T W =
    gain**2 I for rows >= cols, else W W^T = gain**2 I. gain > 0. Where the fans are those of one
    gate or group, the last axis holds several such matrices side by side, each drawn for itself.

    Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks, ICLR 2014. The signs follow Mezzadri, How to generate random matrices
    from the classical compact groups, 2007: without them the draw would not be uniform (Haar).
    """

    kind: ClassVar[str] = "orthogonal"

    gain: float = field(default=1.0, validator=gt(0))

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], fans: tuple[int, int]
    ) -> Array:
        if len(shape) < 2:  # noqa: PLR2004 - a matrix is what is orthogonal
            raise ShapeError(
                f"'orthogonal' wanted an array of two axes or more, found shape {shape}; "
                "choose another initializer here"
            )
        rows, cols = prod(shape[:-1]), shape[-1]
        width = _width(shape, fans)
        blocks = [_haar(rng, rows, width) for _ in range(cols // width)]
        weight = np.concatenate(blocks, axis=1)
        weight *= self.gain
        return weight.reshape(shape)


def _width(shape: tuple[int, ...], fans: tuple[int, int]) -> int:
    """Return the columns of one gate or group: all, unless the fans tile the last axis."""
    width = fans[1] // prod(shape[:-2])
    tiles = fans[0] == prod(shape[:-1]) and 0 < width < shape[-1] and shape[-1] % width == 0
    return width if tiles else shape[-1]


def _haar(rng: np.random.Generator, rows: int, cols: int) -> Array:
    """Return orthonormal columns, or rows if there are fewer: (rows, cols), uniform among all."""
    q, r = np.linalg.qr(rng.standard_normal((max(rows, cols), min(rows, cols))))
    q *= np.copysign(1.0, np.diagonal(r))
    return q if rows >= cols else q.T
