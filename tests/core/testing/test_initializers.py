"""The checks of initializers: what is right passes, and each planted fault fails the one made for it."""

from typing import ClassVar

import numpy as np
import pytest

from mlpk import Initializer, ShapeError, define


@define
class Straight(Initializer):
    kind: ClassVar[str] = "straight"

    def draw(self, rng, shape, fans):
        return rng.random(shape)


@define
class Singles(Initializer):
    kind: ClassVar[str] = "singles"

    def draw(self, rng, shape, fans):
        return rng.random(shape, np.float32)


@define
class OwnDraw(Initializer):
    kind: ClassVar[str] = "own_draw"

    def draw(self, rng, shape, fans):
        return np.random.default_rng().random(shape)


@define
class Drifts(Initializer):
    """Draws larger values the more it has drawn."""

    kind: ClassVar[str] = "drifts"

    drawn: ClassVar[list[int]] = []

    def draw(self, rng, shape, fans):
        self.drawn.append(1)
        return len(self.drawn) + rng.standard_normal(shape)


@define
class Cauchy(Initializer):
    """Draws from a distribution without a variance."""

    kind: ClassVar[str] = "cauchy"

    def draw(self, rng, shape, fans):
        return rng.standard_cauchy(shape)


@define
class OwnFans(Initializer):
    """Counts the fans itself, and knows nothing of gates, groups and receptive fields."""

    kind: ClassVar[str] = "own_fans"

    def draw(self, rng, shape, fans):
        return rng.standard_normal(shape) / np.sqrt(shape[0] if shape else 1)


@define
class VectorsAreRefused(Initializer):
    """Has values for matrices alone, and says so: right."""

    kind: ClassVar[str] = "vectors_are_refused"

    def draw(self, rng, shape, fans):
        if len(shape) < 2:
            raise ShapeError(f"wanted two axes or more, found shape {shape}")
        return rng.standard_normal(shape)


@define
class Flat(Initializer):
    kind: ClassVar[str] = "flat"

    def draw(self, rng, shape, fans):
        return rng.standard_normal(shape or (1,))


FAULTS = {
    Flat: "shape_and_type_are_right",
    Drifts: "many_draws_have_steady_moments",
    Cauchy: "many_draws_have_steady_moments",
    OwnFans: "fans_are_those_given",
    Singles: "shape_and_type_are_right",
    OwnDraw: "randomness_is_the_generators",
}


def test_what_is_right_passes(failed):
    assert failed(Straight, VectorsAreRefused) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda kind: kind.kind)
def test_a_faulty_initializer_fails(failed, fault):
    assert FAULTS[fault] in failed(fault)
