"""Schedules that rise, restart or end: by hand, and the shape of each curve."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlpk
from mlpk import ConfigError
from mlpk_plugins.schedules.constant import Constant
from mlpk_plugins.schedules.cosine import Cosine
from mlpk_plugins.schedules.cosine_restarts import CosineRestarts
from mlpk_plugins.schedules.inverse_time import InverseTime
from mlpk_plugins.schedules.one_cycle import OneCycle
from mlpk_plugins.schedules.polynomial import Polynomial
from mlpk_plugins.schedules.step import Step
from mlpk_plugins.schedules.warmup import Warmup

LAST = 10**9
rates = st.floats(0, 10)
counts = st.integers(1, 1000)
times = st.integers(0, 5000)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Warmup(3, Constant(0.8)), {0: 0.2, 1: 0.4, 2: 0.6, 3: 0.8, 4: 0.8, LAST: 0.8}),
        (
            Warmup(1, Step(0.8, every=2, factor=0.5)),
            {0: 0.4, 1: 0.8, 2: 0.8, 3: 0.4, 4: 0.4, 5: 0.2},
        ),
        (CosineRestarts(1.0, steps=2), {0: 1.0, 1: 0.5, 2: 1.0, 3: 0.5, LAST: 1.0}),
        (
            CosineRestarts(0.9, steps=2, growth=2, final=0.1),
            {0: 0.9, 1: 0.5, 2: 0.9, 4: 0.5, 6: 0.9, 10: 0.5, 14: 0.9},
        ),
        (CosineRestarts(0.9, steps=6, growth=3, final=0.1), {2: 0.7, 4: 0.3, 6: 0.9, 12: 0.7}),
        (
            OneCycle(1.0, steps=10, rise=0.4, start=0.2, end=0.1),
            {0: 0.2, 2: 0.6, 4: 1.0, 7: 0.55, 10: 0.1, LAST: 0.1},
        ),
        (OneCycle(0.5, steps=10), {0: 0.02, 3: 0.5, 10: 2e-6}),
        (Polynomial(0.9, steps=4, final=0.1), {0: 0.9, 1: 0.7, 2: 0.5, 4: 0.1, LAST: 0.1}),
        (Polynomial(1.0, steps=4, power=2.0), {0: 1.0, 1: 0.5625, 2: 0.25, 3: 0.0625, 4: 0.0}),
        (Polynomial(0.0, steps=2, power=0.5, final=1.0), {0: 0.0, 1: 1 - 0.5**0.5, 2: 1.0}),
        (InverseTime(0.6, every=10), {0: 0.6, 5: 0.4, 10: 0.3, 20: 0.2, 50: 0.1}),
        (InverseTime(0.6, every=0.5), {0: 0.6, 1: 0.2}),
    ],
    ids=lambda x: repr(x)[:40],
)
def test_by_hand(schedule, expected):
    for t, rate in expected.items():
        assert type(schedule.at(t)) is float
        assert schedule.at(t) == pytest.approx(rate, rel=1e-12, abs=1e-15), t


@given(st.integers(1, 100), rates, counts, times)
def test_behind_the_warmup_the_other_schedule_runs_whole(steps, lr, period, t):
    after = Cosine(lr, steps=period)
    schedule = Warmup(steps, after)
    assert schedule.at(steps + t) == after.at(t)
    line = [schedule.at(i) for i in range(steps + 1)]
    assert all(b - a == pytest.approx(lr / (steps + 1)) for a, b in pairwise(line))


def test_a_warmup_may_stand_in_front_of_a_schedule_in_any_form():
    wanted = Warmup(2, Constant(0.5))
    assert mlpk.Schedule.of(wanted) is wanted
    assert Warmup(steps=2, after={"kind": "constant", "lr": 0.5}) == wanted
    assert Warmup(1, wanted).at(0) == wanted.at(0) / 2


@given(rates, rates, st.integers(1, 20), st.integers(1, 4), st.integers(0, 8))
def test_each_period_is_a_cosine(lr, final, steps, growth, number):
    schedule = CosineRestarts(lr, steps=steps, growth=growth, final=final)
    begin = sum(steps * growth**i for i in range(number))
    length = steps * growth**number
    period = Cosine(lr, steps=length, final=final)
    for since in {0, length // 3, length - 1}:
        assert schedule.at(begin + since) == pytest.approx(period.at(since))


@given(st.integers(2, 500), st.floats(0.05, 0.95), st.floats(0, 0.9), st.floats(0, 0.9))
def test_one_cycle_rises_once_and_falls_once(steps, rise, start, end):
    schedule = OneCycle(2.0, steps=steps, rise=rise, start=start, end=end)
    found = [schedule.at(t) for t in range(steps + 2)]
    top = math.ceil(rise * steps)
    assert found[0] == pytest.approx(2 * start)
    assert found[steps:] == pytest.approx([2 * end] * 2)
    assert max(found) <= 2 + 1e-12
    assert found[: top - 1] == sorted(found[: top - 1])
    assert found[top:] == sorted(found[top:], reverse=True)


@given(rates, rates, counts, st.floats(0.1, 5), times)
def test_polynomial_stays_between_its_ends(lr, final, steps, power, t):
    schedule = Polynomial(lr, steps=steps, power=power, final=final)
    assert min(lr, final) - 1e-12 <= schedule.at(t) <= max(lr, final) + 1e-12
    assert schedule.at(steps + t) == final


@pytest.mark.parametrize(
    ("cls", "fields", "where"),
    [
        (Warmup, {"steps": 0, "after": Constant(0.1)}, "warmup.steps"),
        (Warmup, {"steps": 1, "after": 0.1}, "warmup.after"),
        (CosineRestarts, {"lr": -1.0, "steps": 1}, "cosine_restarts.lr"),
        (CosineRestarts, {"lr": 1.0, "steps": 0}, "cosine_restarts.steps"),
        (CosineRestarts, {"lr": 1.0, "steps": 1, "growth": 0}, "cosine_restarts.growth"),
        (CosineRestarts, {"lr": 1.0, "steps": 1, "final": -0.1}, "cosine_restarts.final"),
        (OneCycle, {"lr": -1.0, "steps": 1}, "one_cycle.lr"),
        (OneCycle, {"lr": 1.0, "steps": 0}, "one_cycle.steps"),
        (OneCycle, {"lr": 1.0, "steps": 1, "rise": 0.0}, "one_cycle.rise"),
        (OneCycle, {"lr": 1.0, "steps": 1, "rise": 1.0}, "one_cycle.rise"),
        (OneCycle, {"lr": 1.0, "steps": 1, "start": -1.0}, "one_cycle.start"),
        (OneCycle, {"lr": 1.0, "steps": 1, "end": -1.0}, "one_cycle.end"),
        (Polynomial, {"lr": -1.0, "steps": 1}, "polynomial.lr"),
        (Polynomial, {"lr": 1.0, "steps": 0}, "polynomial.steps"),
        (Polynomial, {"lr": 1.0, "steps": 1, "power": 0}, "polynomial.power"),
        (Polynomial, {"lr": 1.0, "steps": 1, "final": -1.0}, "polynomial.final"),
        (InverseTime, {"lr": -1.0, "every": 1}, "inverse_time.lr"),
        (InverseTime, {"lr": 1.0, "every": 0}, "inverse_time.every"),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(cls, fields, where):
    with pytest.raises(ConfigError) as caught:
        cls(**fields)
    assert caught.value.where == where
