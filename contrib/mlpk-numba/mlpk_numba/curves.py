"""exp, tanh and sigmoid, written so that a loop over them runs on whole vectors; nan stays nan.

With x = k log(2) + r, |r| <= log(2) / 2: exp(x) = 2**k exp(r), and exp(r) comes from Taylor's
series, of which 7 terms are enough in float32, 13 in float64. exp(factor x) has the factor in its numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial, log
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload, register_jitable

__all__ = ["exp", "sigmoid", "tanh"]


class Form(NamedTuple):
    """How numbers of a dtype are made, and the x between which exp(x) is an ordinary one."""

    real: Any
    whole: Any
    fraction_bits: int
    bias: int
    terms: int
    low: float
    high: float
    head: float  # of log(2): few bits, so that its product with k is exact; the tail is the rest
    tail: float


FORMS = {
    types.float32: Form(np.float32, np.int32, 23, 127, 7, -87.3, 88.3, 0.693359375, -2.1219444e-4),
    types.float64: Form(
        np.float64, np.int64, 52, 1023, 13, -708.3, 709.4, 0.69314718036912382, 1.9082149292705877e-10
    ),
}  # fmt: skip


def exp(x: Any) -> Any:
    """Return e**x, for compiled functions; 0 and inf close to where a float ends already."""
    raise NotImplementedError  # a compiled function that calls this runs what `_exp` returns


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)), for compiled functions; never below the least ordinary number."""
    raise NotImplementedError  # likewise, `_sigmoid`


def tanh(x: Any) -> Any:
    """Return (e - 1) / (e + 1), e = exp(2 x), for compiled functions."""
    raise NotImplementedError  # likewise, `_tanh`


@overload(exp)
def _exp(x: Any) -> Callable[..., Any]:
    real, low, high = FORMS[x].real, FORMS[x].real(FORMS[x].low), FORMS[x].real(FORMS[x].high)
    parts, nothing, infinite = _parts_of_exp(FORMS[x], 1), real(0), real(np.inf)

    def exp_of(x: Any) -> Any:
        power, rest = parts(min(max(x, low), high))
        y = power * rest + power
        y = nothing if x < low else y
        y = infinite if x > high else y
        return y if x == x else x  # noqa: PLR0124 - nan alone differs from itself

    return exp_of


@overload(sigmoid)
def _sigmoid(x: Any) -> Callable[..., Any]:
    real, low = FORMS[x].real, FORMS[x].real(FORMS[x].low)
    parts, one = _parts_of_exp(FORMS[x], -1), real(1)

    def sigmoid_of(x: Any) -> Any:
        power, rest = parts(min(max(x, low), -low))
        y = one / (power * rest + (power + one))
        return y if x == x else x  # noqa: PLR0124 - nan alone differs from itself

    return sigmoid_of


@overload(tanh)
def _tanh(x: Any) -> Callable[..., Any]:
    real = FORMS[x].real
    parts, one, two, far = _parts_of_exp(FORMS[x], 2), real(1), real(2), real(20)

    def tanh_of(x: Any) -> Any:
        power, rest = parts(min(max(x, -far), far))
        more = power * rest + (power - one)  # exp(2 x) - 1, exact near 0 too
        y = more / (more + two)
        return y if x == x else x  # noqa: PLR0124 - nan alone differs from itself

    return tanh_of


def _parts_of_exp(form: Form, factor: int) -> Callable[..., Any]:
    """Return a function of x that gives 2**k and exp(r) - 1, where factor * x = k log(2) + r.

    r / factor is what it goes on with; the factor is 1 or 2, with either sign, so that nothing is
    rounded more than it was.
    """
    real, whole, bits, bias = form.real, form.whole, form.fraction_bits, form.whole(form.bias)
    a_log, half = real(factor / log(2)), real(0.5)
    head, tail = real(form.head / factor), real(form.tail / factor)
    last, *others = (real(factor**n / factorial(n)) for n in range(form.terms, 0, -1))
    coefficients = tuple(others)

    @register_jitable(inline="always")
    def parts(x: Any) -> Any:
        k = np.floor(x * a_log + half)
        r = x - k * head - k * tail
        series = last
        for coefficient in coefficients:
            series = series * r + coefficient
        power = whole((whole(k) + bias) << whole(bits)).view(real)
        return power, series * r

    made: Callable[..., Any] = parts
    return made
