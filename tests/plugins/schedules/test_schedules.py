"""Schedules: numbers by hand, the shape of each curve, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import ConfigError
from mlpk_plugins.schedules import mlpk_schedules
from mlpk_plugins.schedules.constant import Constant
from mlpk_plugins.schedules.cosine import Cosine
from mlpk_plugins.schedules.exponential import Exponential
from mlpk_plugins.schedules.piecewise import Piecewise
from mlpk_plugins.schedules.step import Step

LAST = 10**9

rates = st.floats(0, 10)
counts = st.integers(1, 1000)
factors = st.floats(0.01, 1)
times = st.integers(0, 5000)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Constant(0.3), {0: 0.3, 1: 0.3, LAST: 0.3}),
        (Step(0.8, every=3, factor=0.5), {0: 0.8, 2: 0.8, 3: 0.4, 5: 0.4, 6: 0.2, LAST: 0.0}),
        (Step(1.0, every=10), {9: 1.0, 10: 0.1, 20: 0.01}),
        (Exponential(0.8, every=2, factor=0.25), {0: 0.8, 1: 0.4, 2: 0.2, 3: 0.1, LAST: 0.0}),
        (Cosine(0.9, steps=6, final=0.1), {0: 0.9, 2: 0.7, 3: 0.5, 4: 0.3, 6: 0.1, LAST: 0.1}),
        (Cosine(1.0, steps=2), {0: 1.0, 1: 0.5, 2: 0.0, 3: 0.0}),
        (
            Piecewise(boundaries=(2, 5), values=(0.3, 0.2, 0.1)),
            {0: 0.3, 1: 0.3, 2: 0.2, 4: 0.2, 5: 0.1, LAST: 0.1},
        ),
        (Piecewise(boundaries=(), values=(0.3,)), {0: 0.3, LAST: 0.3}),
    ],
    ids=lambda x: repr(x)[:40],
)
def test_by_hand(schedule, expected):
    for t, rate in expected.items():
        assert schedule.at(t) == pytest.approx(rate, rel=1e-12, abs=1e-15), t


@pytest.mark.parametrize("cls", mlpk_schedules(), ids=lambda cls: cls.kind)
def test_rates_are_plain_floats_and_never_negative(cls):
    for example in cls.examples():
        for t in (0, 1, 2, 7, LAST):
            rate = example.instance.at(t)
            assert type(rate) is float
            assert rate >= 0


def test_the_hook_brings_all_of_them():
    kinds = [cls.kind for cls in mlpk_schedules()]
    assert kinds == [
        "constant", "cosine", "cosine_restarts", "exponential", "inverse_time", "one_cycle",
        "piecewise", "polynomial", "step", "warmup",
    ]  # fmt: skip


@given(rates, counts, factors, times)
def test_exponential_falls_by_the_factor_over_every_stretch(lr, every, factor, t):
    schedule = Exponential(lr, every=every, factor=factor)
    later = schedule.at(t + every)
    assert later == pytest.approx(factor * schedule.at(t), rel=1e-9, abs=1e-300)


@given(rates, counts, factors, times)
def test_exponential_meets_step_where_it_steps(lr, every, factor, t):
    smooth, stairs = Exponential(lr, every=every, factor=factor), Step(lr, every, factor)
    assert smooth.at(t // every * every) == pytest.approx(stairs.at(t), rel=1e-9, abs=1e-300)


@given(rates, rates, counts, st.integers(0, 1000))
def test_cosine_is_symmetric_about_its_middle_and_stays_between_its_ends(lr, final, steps, t):
    schedule = Cosine(lr, steps=steps, final=final)
    t = min(t, steps)
    assert schedule.at(t) + schedule.at(steps - t) == pytest.approx(lr + final)
    assert min(lr, final) - 1e-12 <= schedule.at(t) <= max(lr, final) + 1e-12
    assert schedule.at(0) == pytest.approx(lr)
    assert schedule.at(steps + t) == final


@given(st.lists(st.integers(1, 100), unique=True).map(sorted), times)
def test_piecewise_counts_the_boundaries_that_were_reached(boundaries, t):
    schedule = Piecewise(boundaries=boundaries, values=[*map(float, range(len(boundaries) + 1))])
    assert schedule.at(t) == sum(boundary <= t for boundary in boundaries)


@pytest.mark.parametrize(
    ("cls", "fields", "where"),
    [
        (Constant, {"lr": -0.1}, "constant.lr"),
        (Constant, {}, "constant.lr"),
        (Step, {"lr": -0.1, "every": 2}, "step.lr"),
        (Step, {"lr": 0.1, "every": 0}, "step.every"),
        (Step, {"lr": 0.1, "every": 2.5}, "step.every"),
        (Step, {"lr": 0.1, "every": 2, "factor": 0}, "step.factor"),
        (Step, {"lr": 0.1, "every": 2, "factor": 1.1}, "step.factor"),
        (Exponential, {"lr": -0.1, "every": 2}, "exponential.lr"),
        (Exponential, {"lr": 0.1, "every": 0}, "exponential.every"),
        (Exponential, {"lr": 0.1, "every": 2, "factor": 1.1}, "exponential.factor"),
        (Cosine, {"lr": -0.1, "steps": 5}, "cosine.lr"),
        (Cosine, {"lr": 0.1, "steps": 0}, "cosine.steps"),
        (Cosine, {"lr": 0.1, "steps": 5, "final": -0.1}, "cosine.final"),
        (Piecewise, {"boundaries": [2, 2], "values": [1, 2, 3]}, "piecewise.boundaries"),
        (Piecewise, {"boundaries": [0, 2], "values": [1, 2, 3]}, "piecewise.boundaries"),
        (Piecewise, {"boundaries": [2, 5], "values": [1, 2]}, "piecewise.values"),
        (Piecewise, {"boundaries": [], "values": []}, "piecewise.values"),
        (Piecewise, {"boundaries": [2], "values": [0.1, -0.1]}, "piecewise.values"),
    ],
)
def test_what_makes_no_schedule_is_refused_by_name(cls, fields, where):
    with pytest.raises(ConfigError) as caught:
        cls(**fields)
    assert caught.value.where == where


def test_piecewise_says_how_many_values_it_wants():
    with pytest.raises(ConfigError, match=r"wanted 3 values.*found 2"):
        Piecewise(boundaries=(2, 5), values=(0.1, 0.2))
    with pytest.raises(ConfigError, match="found 3 after 5"):
        Piecewise(boundaries=(5, 3), values=(0.1, 0.2, 0.3))
