"""A run of the suite with mlpk alone, so short that it tells nothing but that it works."""

from __future__ import annotations

import json

import pytest
import run
from contestants.listing import Entry
from contestants.with_mlpk import WithMlpk
from rounds import Pace, compared
from workload import WORKLOADS, named

SHORTEST = Pace(repetitions=2, window=0.0, warm_up=0.0, pause=0.0)
TINY = named("W6")
OURS = next(entry for entry in run.ENTRIES if entry.name == "mlpk")
RACES = ("W1", "W4", "W7", "P1")  # between them every kind of layer, training and prediction


def test_workloads_run_and_their_results_become_a_page(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    results, page = tmp_path / "results.json", tmp_path / "page.md"
    arguments = [f"--workloads={','.join(RACES)}", "--peers=none", "--threads=1"]
    arguments += ["--repetitions=1", "--window=0", "--warm-up=0", f"--json={results}"]
    run.main([*arguments, f"--page={page}"])
    found = json.loads(results.read_text())
    wanted = [each.name for each in WORKLOADS if each.group in RACES]
    assert [race["workload"] for race in found["races"]] == wanted
    for race in found["races"]:
        mine = race["contestants"]["mlpk"]
        assert mine["steps"] == 1
        assert len(mine["windows"]) == 1
        assert race["workload"].startswith("P1") == (mine["loss"] is None)
    assert found["unset"]["OPENBLAS_CORETYPE"] == "Haswell"
    for text in (capsys.readouterr().out, page.read_text()):
        assert "OPENBLAS_CORETYPE=Haswell" in text
        for name in wanted:
            assert name in text


def test_results_can_be_read_again(tmp_path):
    results, page = tmp_path / "results.json", tmp_path / "page.md"
    results.write_text(json.dumps(run.measured(["L1", "I1"], [], [1], SHORTEST, dead_steps=3)))
    run.main([f"--from={results}", f"--page={page}"])
    assert "3 steps of W2 after half of its hidden units went dead" in page.read_text()
    assert "| mlpk |" in page.read_text()


def test_dead_units_stay_dead_and_are_half_of_them():
    contestant = WithMlpk(named("W2"), 1)
    contestant.run(1)
    contestant.kill()
    weight = contestant.model.params["dense/weight"].copy()
    slot = contestant.optimizer.slots["m"].views["dense/weight"]
    before = abs(slot).sum(axis=0)
    contestant.run(20)
    after = abs(slot).sum(axis=0)
    assert (after[:50] < before[:50] * 0.9**19).all()  # no gradient any more
    assert (after[50:] > before[50:] * 0.9**19).all()
    assert (weight != contestant.model.params["dense/weight"]).any()


def test_windows_are_of_the_steps_asked_for():
    race = compared(TINY, [OURS], 1, Pace(repetitions=3, window=0.0, warm_up=0.0, pause=0.0))
    assert race["absent"] == {}
    assert len(race["contestants"]["mlpk"]["windows"]) == 3
    assert race["contestants"]["mlpk"]["steps"] == 1


def test_a_worker_that_fails_is_told_and_hinders_nobody():
    broken = Entry("broken", ("nowhere", "Nobody"))
    race = compared(TINY, [broken, OURS], 1, SHORTEST)
    assert race["absent"]["broken"].startswith("failed: ")
    assert "mlpk" in race["contestants"]


def test_a_peer_that_cannot_do_the_work_says_why():
    pytest.importorskip("sklearn")
    peer = next(entry for entry in run.ENTRIES if entry.name == "scikit-learn")
    assert compared(named("W4"), [peer], 1, SHORTEST)["absent"] == {
        "scikit-learn": "has dense layers only"
    }


def test_a_peer_trains_the_same_network():
    pytest.importorskip("sklearn")
    peer = next(entry for entry in run.ENTRIES if entry.name == "scikit-learn")
    race = compared(TINY, [peer, OURS], 1, SHORTEST)
    assert set(race["contestants"]) == {"scikit-learn", "mlpk"}
    assert race["contestants"]["scikit-learn"]["steps"] == 200  # a whole epoch


def test_missing_peers_are_named(monkeypatch):
    absent = Entry("absent", ("with_mlpk", "WithMlpk"), ("no_such_module",))
    monkeypatch.setattr(run, "ENTRIES", (absent, OURS))
    results = run.measured([], ["absent"], [1], SHORTEST)
    assert results["missing"] == {"absent": ["no_such_module"]}


@pytest.mark.parametrize("option", ["--workloads=W9", "--peers=theano"])
def test_names_that_are_not_there_are_refused(option, capsys):
    with pytest.raises(SystemExit):
        run.main([option])
    assert f"found {option.split('=')[1]!r}" in capsys.readouterr().err
