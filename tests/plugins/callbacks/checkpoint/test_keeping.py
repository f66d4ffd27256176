"""Earlier checkpoints: which are kept beside the newest, and what is not theirs to remove."""

import os

import pytest

import mlpk
from mlpk import FileAccessError, hookimpl


def test_the_last_are_kept_under_their_steps(tmp_path, run, names, kept):
    path = tmp_path / "run.mlpk"
    run(epochs=5, callbacks=[mlpk.callbacks.checkpoint(path, keep=3)])
    wanted = {"run-000009.mlpk": 9, "run-000012.mlpk": 12, "run.mlpk": 15}
    assert kept(tmp_path) == wanted
    assert names(tmp_path) == sorted(wanted)


def test_there_is_always_a_newest_one(tmp_path, run, kept):
    path = tmp_path / "run.mlpk"
    checkpoint = mlpk.callbacks.checkpoint(path, every_steps=2, keep=2)
    _, told = run(epochs=3, callbacks=[checkpoint])
    assert [step for _, _, step in told] == [2, 3, 4, 6, 6, 8, 9]
    assert kept(tmp_path) == {"run-000008.mlpk": 8, "run.mlpk": 9}


def test_what_is_saved_twice_at_a_step_is_one_checkpoint(tmp_path, run, kept):
    path = tmp_path / "run.mlpk"
    checkpoint = mlpk.callbacks.checkpoint(path, every_steps=2, keep=2)
    _, told = run(epochs=2, callbacks=[checkpoint])
    assert told[-2:] == [(1, 3, 6), (2, 0, 6)]
    assert kept(tmp_path) == {"run-000004.mlpk": 4, "run.mlpk": 6}


def test_a_run_that_starts_anew_leaves_files_of_an_older_one(tmp_path, run, names, kept):
    path = tmp_path / "run.mlpk"
    run(epochs=5, callbacks=[mlpk.callbacks.checkpoint(path, keep=3)])
    older = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    assert sorted(older) == ["run-000009.mlpk", "run-000012.mlpk", "run.mlpk"]
    run(epochs=2, seed=1, callbacks=[mlpk.callbacks.checkpoint(path, keep=2)])
    for name in ("run-000009.mlpk", "run-000012.mlpk"):
        assert (tmp_path / name).read_bytes() == older[name]
    assert kept(tmp_path)["run-000003.mlpk"] == 3


def test_without_links_a_copy_is_kept(tmp_path, monkeypatch, run, kept):
    def link(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    path = tmp_path / "run.mlpk"
    run(epochs=3, callbacks=[mlpk.callbacks.checkpoint(path, keep=2)])
    assert kept(tmp_path) == {"run-000006.mlpk": 6, "run.mlpk": 9}
    mlpk.load(tmp_path / "run-000006.mlpk")


def test_a_folder_in_the_way_is_told_before_the_first_step(tmp_path, run, cut_at):
    path = tmp_path / "run.mlpk"
    (tmp_path / "run-000003.mlpk").mkdir()
    with pytest.raises(FileAccessError, match=r"run-000003.mlpk: wanted a regular file to write"):
        run(callbacks=[mlpk.callbacks.checkpoint(path, keep=2), cut_at(1)])


def test_a_name_with_no_room_for_a_step_is_told_before_the_first(tmp_path, run, cut_at):
    path = tmp_path / ("a" * 247 + ".mlpk")
    with pytest.raises(FileAccessError, match="too long; choose a shorter name"):
        run(callbacks=[mlpk.callbacks.checkpoint(path, keep=2), cut_at(1)])
    _, told = run(callbacks=[mlpk.callbacks.checkpoint(path)])
    assert len(told) == 2


@pytest.mark.parametrize("what", ["notes", "a folder", "another model", "nothing"])
def test_what_somebody_put_in_place_of_an_earlier_one_stays(tmp_path, what, run, names):
    path, gone = tmp_path / "run.mlpk", tmp_path / "run-000003.mlpk"

    class Replaces:
        @hookimpl
        def mlpk_batch_end(self, fit):
            if fit.step == 8:
                gone.unlink()
                if what == "notes":
                    gone.write_text("mine")
                elif what == "a folder":
                    gone.mkdir()
                elif what == "another model":
                    fit.model.save(gone)

    checkpoint = mlpk.callbacks.checkpoint(path, keep=2)
    run(epochs=4, callbacks=[checkpoint, Replaces()])
    assert gone.exists() == (what != "nothing")
    assert set(names(tmp_path)) - {gone.name} == {"run-000009.mlpk", "run.mlpk"}


def test_so_it_does_after_the_run_was_resumed(tmp_path, run, kept, cut_at):
    path, gone = tmp_path / "run.mlpk", tmp_path / "run-000003.mlpk"
    with pytest.raises(InterruptedError):
        run(epochs=4, callbacks=[mlpk.callbacks.checkpoint(path, keep=2), cut_at(8)])
    gone.unlink()
    gone.write_text("mine")
    more = {"checkpoint": path, "resume": True}
    run(epochs=4, callbacks=[mlpk.callbacks.checkpoint(path, keep=2)], **more)
    assert gone.read_text() == "mine"
    gone.unlink()
    assert kept(tmp_path) == {"run-000009.mlpk": 9, "run.mlpk": 12}
