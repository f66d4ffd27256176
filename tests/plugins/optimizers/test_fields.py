"""The hyper-parameters: names, defaults and ranges."""

import math

import pytest

from mlpk import ConfigError
from mlpk_plugins.optimizers import mlpk_optimizers
from mlpk_plugins.optimizers.adagrad import AdaGrad
from mlpk_plugins.optimizers.adam import Adam
from mlpk_plugins.optimizers.adamw import AdamW
from mlpk_plugins.optimizers.momentum import Momentum
from mlpk_plugins.optimizers.rmsprop import RMSprop
from mlpk_plugins.optimizers.sgd import SGD
from mlpk_plugins.schedules.step import Step
from mlpk_schemas.records import values

DEFAULTS = {
    SGD: {"lr": 0.01},
    Momentum: {"lr": 0.01, "mu": 0.9, "nesterov": False},
    AdaGrad: {"lr": 0.01, "eps": 1e-8},
    RMSprop: {"lr": 0.001, "rho": 0.9, "eps": 1e-8},
    Adam: {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "epsilon_hat": False},
    AdamW: {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01},
}


def test_the_hook_brings_all_of_them():
    kinds = [cls.kind for cls in mlpk_optimizers()]
    assert kinds == [
        "adadelta", "adagrad", "adam", "adamax", "adamw", "lamb", "lars", "lion", "momentum",
        "muon", "nadam", "radam", "rmsprop", "sgd",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cls", "defaults"), DEFAULTS.items(), ids=lambda x: getattr(x, "kind", "")
)
def test_defaults(cls, defaults):
    assert values(cls()) == {"clip_norm": None, "clip_value": None, **defaults}
    assert cls(0.5).lr == 0.5
    assert cls.elementwise


@pytest.mark.parametrize("cls", DEFAULTS, ids=lambda cls: cls.kind)
def test_the_rate_may_be_a_schedule(cls):
    optimizer = cls(lr=Step(lr=0.8, every=2, factor=0.5))
    assert [optimizer.rate(t) for t in range(4)] == [0.8, 0.8, 0.4, 0.4]


@pytest.mark.parametrize(
    ("cls", "name", "value"),
    [
        *[(cls, "lr", -0.1) for cls in DEFAULTS],
        *[(cls, "lr", math.nan) for cls in DEFAULTS],
        *[(Momentum, "mu", value) for value in (-0.1, 1.0)],
        *[(RMSprop, "rho", value) for value in (-0.1, 1.0)],
        *[
            (cls, beta, v)
            for cls in (Adam, AdamW)
            for beta in ("beta1", "beta2")
            for v in (-0.1, 1)
        ],
        *[(cls, "eps", value) for cls in (AdaGrad, RMSprop, Adam, AdamW) for value in (0, -1e-8)],
        (AdamW, "weight_decay", -0.01),
        (Momentum, "nesterov", 1),
        (Adam, "epsilon_hat", "yes"),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(cls, name, value):
    with pytest.raises(ConfigError) as caught:
        cls(**{name: value})
    assert caught.value.where == f"{cls.kind}.{name}"


@pytest.mark.parametrize("cls", DEFAULTS, ids=lambda cls: cls.kind)
def test_the_edges_of_the_ranges_are_allowed(cls):
    edges = DEFAULTS[cls].keys() & {"lr", "mu", "rho", "beta1", "beta2", "weight_decay"}
    optimizer = cls(**dict.fromkeys(edges, 0))
    assert all(getattr(optimizer, name) == 0.0 for name in edges)
