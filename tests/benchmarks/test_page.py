"""The page and the report, from results made by hand."""

from __future__ import annotations

from io import StringIO

import pytest
from page import page
from report import parts
from rich.console import Console
from standing import duration, spread, standings


def race(name, threads, **seconds):
    return {
        "workload": name, "title": f"what {name} is", "threads": threads,
        "multiply_adds": 7_990_000, "bytes": 1_000_000, "limit": 8.5e-5,
        "targets": {"plain": 0.6, "faster": 0.5},
        "contestants": {
            who.replace("_", " "): {
                "kernels": "some", "windows": [each] * 3, "steps": 9, "loss": 0.5, "median": each,
            }
            for who, each in seconds.items()
        },
        "absent": {"thinc": "has dense layers only"},
    }  # fmt: skip


@pytest.fixture
def results():
    return {
        "date": "2026-01-31",
        "pace": {"repetitions": 9, "window": 0.3, "warm_up": 1.0, "pause": 0.1},
        "machine": {
            "processor": "Some CPU", "cores": 4, "system": "Linux x86_64",
            "load": [0.1, 0, 0], "load_after": [2.5, 0, 0],
        },
        "versions": {"python": "3.11.7", "numpy": "2.4.6"},
        "unset": {"OPENBLAS_CORETYPE": "Haswell"},
        "missing": {"jax": ["jax"]},
        "remarks": ["torch compiled takes no part."],
        "rates": {"1": {"multiply_adds": 1e11, "bytes": {"262144": 2e11, "8": 4e10}, "kernels": "b"}},
        "races": [
            race("W1", 1, mlpk=1e-4, torch_eager=2e-4, jax=4e-4),
            race("W1", 2, mlpk=3e-4, torch_eager=2e-4, jax=4e-4),
        ],
        "dead_units": [{"contestant": "mlpk", "steps": 20_000, "start": 2e-4, "end": 2.1e-4}],
        "imports": {"numpy": {"seconds": 0.1, "bytes": 30_000_000}},
    }  # fmt: skip


def test_the_ratio_is_to_the_best_peer(results):
    first, second = (next(standings(each)) for each in results["races"])
    assert (first.peer, first.ratio, first.verdict) == ("torch eager", 0.5, "met")
    assert second.ratio == pytest.approx(1.5)
    assert second.verdict == "behind, target missed"


def test_without_peers_there_is_no_ratio():
    (stand,) = standings(race("W1", 1, mlpk=1e-4))
    assert (stand.peer, stand.ratio, stand.verdict) == (None, None, "no peer")


def test_the_page_has_a_table_a_number_of_threads(results):
    lines = page(results).splitlines()
    assert "## On 1 thread" in lines
    assert "| W1 | 85 us | 100 us | 200 us | 400 us | 0.50 | 0.6 |" in lines
    assert "| W1 | 85 us | 300 us | 200 us | 400 us | 1.50 | 0.6 |" in lines
    assert "| W1 | what W1 is | 7.99 million | 1.00 MB |" in lines


def test_the_page_says_where_mlpk_loses(results):
    text = page(results)
    lost = "- W1 on 2 threads: torch eager takes 200 us, mlpk 300 us, 1.50 times as long"
    assert f"## Where mlpk loses\n\n{lost}\n\n" in text
    results["races"].pop()
    assert "In none of these workloads." in page(results)


def test_the_page_says_on_what_it_was_measured(results):
    text = page(results)
    for told in (
        "Some CPU, 4 cores, Linux x86_64, 2026-01-31", "numpy 2.4.6", "0.1 before the run, 2.5 after",
        "`OPENBLAS_CORETYPE=Haswell` was unset for everyone", "left out: jax (jax)",
        "torch compiled takes no part.", "9 windows of 0.3 s, each after a pause of 0.1 s",
        "100 billion multiply-adds",
    ):  # fmt: skip
        assert told in text


def test_the_report_tells_the_same(results):
    console = Console(width=200, record=True, file=StringIO())
    for part in parts(results):
        console.print(part, highlight=False)
    text = console.export_text()
    for told in ("torch eager", "0.50", "behind, target missed", "left out: jax", "20,000 steps"):
        assert told in text


def test_seconds_come_in_the_unit_that_suits_them():
    assert [duration(each) for each in (1.234e-4, 0.0456, 2.5)] == ["123 us", "45.6 ms", "2.5 s"]


def test_the_spread_leaves_the_outer_windows_out():
    windows = [9.0, 1.0, 2.0, 3.0, 0.0]
    assert spread({"windows": windows, "median": 2.0}) == 1.0
