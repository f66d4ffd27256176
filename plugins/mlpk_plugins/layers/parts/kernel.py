"""Kernels of convolutions: their declaration, and the matrices that they are."""

from __future__ import annotations

from math import prod

from mlpk import Context, Initializer, Param, ShapeError
from mlpk.arrays import Array


def kernel_param(
    window: tuple[int, ...], channels: int, filters: int, groups: int, init: Initializer | str
) -> Param:
    """Return the declaration of a kernel (*window, channels / groups, filters), fans per group."""
    for what, count in (("channels", channels), ("filters", filters)):
        if count % groups:
            raise ShapeError(
                f"wanted {what} that can be parted into {groups} groups, found {count} {what}; "
                f"take a number of groups that divides {count}"
            )
    area, c_in = prod(window), channels // groups
    fans = area * c_in, area * filters // groups
    return Param((*window, c_in, filters), init, fans=fans)


def matrices(kernel: Array, groups: int) -> Array:
    """Return a kernel (..., c_in / groups, c_out) as one matrix a group, without copying."""
    rows, filters = prod(kernel.shape[:-1]), kernel.shape[-1]
    return kernel.reshape(rows, groups, filters // groups).transpose(1, 0, 2)


def by_input(kernel: Array, groups: int) -> Array:
    """Return a kernel (kh, kw, c_in / groups, c_out) as (groups, kh kw, c_out / groups, c_in / groups)."""
    kh, kw, channels, filters = kernel.shape
    return kernel.reshape(kh * kw, channels, groups, filters // groups).transpose(2, 0, 3, 1)


def adjoint_matrices(ctx: Context, kernel: Array, groups: int) -> Array:
    """Return a kernel (kh, kw, c_in / groups, c_out) as that of a convolution from c_out to c_in."""
    parts = ctx.contiguous("adjoint", by_input(kernel, groups))
    return parts.reshape(groups, -1, parts.shape[-1])
