"""The checks of initializers: what is right passes, and each planted fault fails the one made for it."""

from typing import ClassVar

import numpy as np
import pytest

from mlpk import Initializer, define


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


FAULTS = {
    Singles: "shape_and_type_are_right",
    OwnDraw: "randomness_is_the_generators",
}


def test_what_is_right_passes(failed):
    assert failed(Straight) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda kind: kind.kind)
def test_a_faulty_initializer_fails(failed, fault):
    assert FAULTS[fault] in failed(fault)
