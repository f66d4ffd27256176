"""What every initializer has to keep."""

from __future__ import annotations

import numpy as np

from mlpk.errors import ShapeError
from mlpk.example import Example
from mlpk.initializer import Initializer
from mlpk.testing.inapplicable import InapplicableError

__all__ = ["CHECKS"]

SHAPE = (6, 4)
FANS = (6, 4)
SHAPES: tuple[tuple[int, ...], ...] = ((), (4,), (1, 1), (6, 4), (4, 6), (3, 3, 2, 4))
DRAWS = 400
# How many standard errors apart two means of as many draws may lie: once in 10**9 by chance.
APART = 6.0
# A value as far from the mean as this many standard deviations is no draw of a bounded variance.
FARTHEST = 20.0


def shape_and_type_are_right(example: Example) -> None:
    """Values are finite float64 of the shape asked for; a shape that it has no values for is told."""
    for shape in SHAPES:
        try:
            values = _initializer(example).draw(np.random.default_rng(0), shape, FANS)
        except ShapeError:
            assert shape != SHAPE, f"a weight of shape {shape} is refused"
            continue
        assert values.shape == shape, f"values of shape {values.shape}, not {shape}"
        assert values.dtype == np.float64, f"values came out as {values.dtype}"
        assert np.isfinite(values).all(), f"values are not finite: {values}"


def randomness_is_the_generators(example: Example) -> None:
    """One generator state gives one answer."""
    initializer = _initializer(example)
    first, second = (initializer.draw(np.random.default_rng(5), SHAPE, FANS) for _ in range(2))
    assert np.array_equal(first, second)


def many_draws_have_steady_moments(example: Example) -> None:
    """Mean and mean square of the first draws are those of later ones, and no value is far out."""
    rng = np.random.default_rng(1)
    draws = np.array([_initializer(example).draw(rng, SHAPE, FANS) for _ in range(2 * DRAWS)])
    for power, moment in ((1, "mean"), (2, "mean square")):
        sums = (draws**power).reshape(2, DRAWS, -1).mean(axis=2)
        early, late = sums.mean(axis=1)
        error = float(np.sqrt((sums.var(axis=1) / DRAWS).sum()))
        apart = abs(early - late)
        assert apart <= APART * error + 1e-12 * abs(early), (
            f"the {moment} of {DRAWS} draws is {early:.4g}, of as many later ones {late:.4g}"
        )
    spread = draws.std(axis=0)
    farthest = np.abs(draws - draws.mean(axis=0)).max(axis=0)
    assert (farthest <= FARTHEST * spread + 1e-12).all(), "a value lies 20 standard deviations out"


def fans_are_those_given(example: Example) -> None:
    """The spread follows the fans that are handed over, not the shape: turning a weight keeps it."""
    spreads = []
    for shape in ((48, 6), (6, 48)):
        rng = np.random.default_rng(2)
        try:
            draws = [_initializer(example).draw(rng, shape, (30, 20)) for _ in range(DRAWS // 8)]
        except ShapeError as error:
            problem = f"it has no values for the shape {shape}"
            raise InapplicableError(problem) from error
        spreads.append(float(np.std(draws)))
    wide, tall = spreads
    assert abs(wide - tall) <= 0.1 * max(wide, tall), (
        f"with the same fans the standard deviation is {wide:.4g} for the shape (48, 6), {tall:.4g} "
        "for (6, 48); take `fans`, which know gates, groups and receptive fields"
    )


CHECKS = (
    shape_and_type_are_right,
    randomness_is_the_generators,
    many_draws_have_steady_moments,
    fans_are_those_given,
)


def _initializer(example: Example) -> Initializer:
    assert isinstance(example.instance, Initializer)
    return example.instance
