"""The triplet loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import gt

from mlpk import ConfigError, Context, Example, Loss, ShapeError, define
from mlpk.arrays import Array
from mlpk_plugins.losses.parts.row_mean import row_mean, scaled

MEMBERS = 3  # anchor, positive, negative


@define
class Triplet(Loss):
    """l = max(0, |a - p|**2 - |a - n|**2 + margin) for each row; the mean is sum(w * l) / sum(w).

    A prediction (rows, 3, d) holds three embeddings a row: the anchor a, a positive p of the same
    class, a negative n of another. A network whose layers work on the last axis gives it for
    inputs (rows, 3, ...), the same weights for all three. The rows are the triplets, so that there
    is nothing left for targets to say: of them only their number counts, one a row
    (`np.zeros(rows)` will do), and their values are never looked at.

    If all weights are 0, so are the loss and its gradient, which where l > 0 is 2 * (n - p) by a,
    2 * (p - a) by p and 2 * (a - n) by n, times w / sum(w). margin > 0; distances are squared, as
    in the paper (PyTorch's are not). Schroff, Kalenichenko and Philbin, FaceNet, CVPR 2015.
    """

    kind: ClassVar[str] = "triplet"

    margin: float = field(default=0.2, validator=gt(0))

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        if len(prediction) != 2 or prediction[0] != MEMBERS:  # noqa: PLR2004 - members and embedding
            found = str((None, *prediction)).replace("None", "N", 1)
            raise ConfigError(
                self.kind,
                "wanted predictions (N, 3, d): anchor, positive and negative of each row, "
                f"found {found}",
            )
        if target.ndim == 0:
            raise ShapeError("wanted one target a row, whatever it is, found a single number")

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, tuple[Array, Array, Array]]:
        self.check(prediction.shape[1:], target)
        rows, _, width = prediction.shape
        if len(target) != rows:
            raise ShapeError(f"wanted {rows} targets, one a row, found {len(target)}")
        anchor, positive, negative = prediction[:, 0], prediction[:, 1], prediction[:, 2]
        gaps = ctx.empty("gaps", (rows, 2, width))  # p - a and a - n
        np.subtract(positive, anchor, out=gaps[:, 0])
        np.subtract(anchor, negative, out=gaps[:, 1])
        far = np.einsum("rmd,rmd->rm", gaps, gaps, out=ctx.empty("far", (rows, 2)))
        losses = np.subtract(far[:, 0], far[:, 1], out=ctx.empty("losses", (rows,)))
        losses += self.margin
        np.maximum(losses, 0, out=losses)
        value, share = row_mean(ctx, losses, weight)
        return value, (gaps, losses, share)

    def backward(self, ctx: Context, saved: tuple[Array, Array, Array]) -> Array:
        gaps, losses, share = saved
        slopes = ctx.empty("slopes", (*losses.shape, 1, 1))
        np.multiply(np.sign(losses, out=slopes[:, 0, 0]), 2, out=slopes[:, 0, 0])
        dy = ctx.empty("dy", (len(gaps), MEMBERS, gaps.shape[2]))
        np.copyto(dy[:, 1:], gaps)
        np.add(gaps[:, 0], gaps[:, 1], out=dy[:, 0])
        np.negative(dy[:, 0], out=dy[:, 0])
        dy *= slopes
        return scaled(ctx, dy, share)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(margin=1.0), (MEMBERS, 4), draw=_drawn)


def _drawn(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    return rng.standard_normal((n, MEMBERS, 4)), np.zeros(n)
