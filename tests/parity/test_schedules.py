"""Schedules beside those of PyTorch, update by update."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk_plugins.schedules.cosine import Cosine
from mlpk_plugins.schedules.cosine_restarts import CosineRestarts
from mlpk_plugins.schedules.exponential import Exponential
from mlpk_plugins.schedules.one_cycle import OneCycle
from mlpk_plugins.schedules.piecewise import Piecewise
from mlpk_plugins.schedules.polynomial import Polynomial
from mlpk_plugins.schedules.step import Step
from mlpk_plugins.schedules.warmup import Warmup

torch = pytest.importorskip("torch", reason="needs the extra parity: torch==2.13.0")
from torch.optim import lr_scheduler  # noqa: E402 - only where torch is

rates = st.floats(1e-4, 1.0)
counts = st.integers(1, 40)
factors = st.floats(0.3, 1.0)


def theirs(lr, updates, scheduler):
    """Return the rates that torch takes for the first updates."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    schedule = scheduler(optimizer)
    found = []
    for _ in range(updates):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def same(ours, lr, updates, scheduler):
    expected = theirs(lr, updates, scheduler)
    assert [ours.at(t) for t in range(updates)] == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(rates, counts, factors)
def test_cosine(lr, steps, share):
    # Torch goes up again after the end: the comparison ends there.
    ours = Cosine(lr, steps=steps, final=share * lr)
    same(ours, lr, steps + 1, lambda o: lr_scheduler.CosineAnnealingLR(o, steps, share * lr))


@given(rates, counts, st.integers(1, 3), factors)
def test_cosine_restarts(lr, steps, growth, share):
    ours = CosineRestarts(lr, steps=steps, growth=growth, final=share * lr)
    other = lr_scheduler.CosineAnnealingWarmRestarts
    same(ours, lr, 100, lambda o: other(o, steps, growth, share * lr))


@given(rates, counts, factors)
def test_exponential_over_one_update(lr, updates, factor):
    ours = Exponential(lr, every=1, factor=factor)
    same(ours, lr, updates, lambda o: lr_scheduler.ExponentialLR(o, factor))


@given(rates, counts, factors)
def test_step(lr, every, factor):
    ours = Step(lr, every=every, factor=factor)
    same(ours, lr, 100, lambda o: lr_scheduler.StepLR(o, every, factor))


@given(rates, st.lists(counts, min_size=1, max_size=4, unique=True).map(sorted), factors)
def test_piecewise(lr, boundaries, factor):
    values = tuple(lr * factor**i for i in range(len(boundaries) + 1))
    ours = Piecewise(boundaries=tuple(boundaries), values=values)
    same(ours, lr, 60, lambda o: lr_scheduler.MultiStepLR(o, boundaries, factor))


@given(rates, counts, st.floats(0.5, 3.0))
def test_polynomial(lr, steps, power):
    ours = Polynomial(lr, steps=steps, power=power)
    same(ours, lr, 60, lambda o: lr_scheduler.PolynomialLR(o, steps, power))


@given(rates, st.integers(5, 60), st.floats(0.25, 0.9), st.floats(2, 50), st.floats(2, 1e4))
def test_one_cycle(lr, total, rise, division, end_division):
    # Torch counts the updates from 1 on where it places the peak, and ends one before `total`.
    last, peak = total - 1, rise * total - 1
    ours = OneCycle(
        lr, steps=last, rise=peak / last, start=1 / division, end=1 / (division * end_division)
    )

    def other(optimizer):
        return lr_scheduler.OneCycleLR(
            optimizer,
            lr,
            total_steps=total,
            pct_start=rise,
            div_factor=division,
            final_div_factor=end_division,
            cycle_momentum=False,
        )

    same(ours, lr, last, other)
    assert ours.at(last) == pytest.approx(lr / division / end_division)


@given(rates, counts, counts)
def test_warmup_before_cosine(lr, rise, steps):
    ours = Warmup(steps=rise, after=Cosine(lr, steps=steps))

    def other(optimizer):
        up = lr_scheduler.LinearLR(optimizer, 1 / (rise + 1), total_iters=rise)
        down = lr_scheduler.CosineAnnealingLR(optimizer, steps)
        return lr_scheduler.SequentialLR(optimizer, [up, down], [rise])

    same(ours, lr, rise + steps, other)
