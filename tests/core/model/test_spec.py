"""What a model is, written down, and the seed that it was drawn from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlpk import ConfigError, Model

Build = Callable[..., Model]
X = np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32)


def test_it_builds_the_model_again(mixed: Build) -> None:
    model = mixed()
    again = Model.from_spec(model.spec, seed=0)
    assert again.spec == model.spec
    assert np.array_equal(again.predict(X), model.predict(X))
    assert not np.array_equal(Model.from_spec(model.spec, seed=1).predict(X), model.predict(X))


def test_the_seed_is_kept_and_without_one_it_is_drawn(two_layers: Build) -> None:
    assert two_layers(seed=7).seed == 7
    assert Model(["relu"], input_shape=(3,)).seed != Model(["relu"], input_shape=(3,)).seed
    one, two = two_layers(seed=None), two_layers(seed=None)
    assert not np.array_equal(one.predict(X), two.predict(X))
    assert np.array_equal(two_layers(seed=one.seed).predict(X), one.predict(X))


@pytest.mark.parametrize("seed", [-1, 1.5, True, "0", 2**63])
def test_a_wrong_seed_is_refused(two_layers: Build, seed: Any) -> None:
    with pytest.raises(ConfigError, match=r"^seed: wanted"):
        two_layers(seed=seed)


def test_all_fields_are_in_it_defaults_too(mixed: Build) -> None:
    node = mixed().spec.nodes[1]
    assert node.id == "batch_norm"
    assert dict(node.config) == {
        "momentum": 0.9,
        "eps": 1e-5,
        "unbiased_running_var": False,
        "trainable": True,
        "frozen_stats": False,
    }


def test_it_is_shown_in_a_line(two_layers: Build, two_ended: Build) -> None:
    assert repr(two_layers()) == ("<Model input(3,) -> dense_1: 3 nodes, 26 parameters, float64>")
    assert repr(two_ended()).startswith("<Model a(3,), b(2,) -> total, left: 3 nodes")
