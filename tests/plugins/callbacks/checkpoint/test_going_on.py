"""Going on from checkpoints: which are kept from then on, and what is said of damaged ones."""

import shutil

import numpy as np
import pytest

import mlpk
from mlpk import FileFormatError
from mlpk.file import writer
from mlpk_schemas.records import plain


def test_a_whole_earlier_one_can_be_gone_on_from(tmp_path, run):
    path, other = tmp_path / "run.mlpk", tmp_path / "other.mlpk"
    model, _ = run(epochs=4, callbacks=[mlpk.callbacks.checkpoint(path, keep=3)])
    shutil.copy(tmp_path / "run-000006.mlpk", other)
    again, told = run(epochs=4, seed=5, checkpoint=other, resume=True)
    assert told == [(3, 0, 9), (4, 0, 12)]
    for name, param in model.params.items():
        np.testing.assert_array_equal(again.params[name], param)


def test_a_file_ahead_of_the_run_is_not_taken_for_an_earlier_one(tmp_path, run, kept, cut_at):
    ahead, path = tmp_path / "ahead.mlpk", tmp_path / "run.mlpk"

    def often():
        return mlpk.callbacks.checkpoint(ahead, every_steps=1, keep=9)

    with pytest.raises(InterruptedError):
        run(epochs=3, checkpoint=path, callbacks=[often(), cut_at(6)])
    assert mlpk.inspect(ahead).state.fit.step == 5
    assert mlpk.inspect(path).state.fit.step == 3
    run(epochs=2, checkpoint=path, callbacks=[often()], resume=True)
    for name, step in kept(tmp_path).items():
        assert name in {"run.mlpk", "ahead.mlpk", f"ahead-{step:06d}.mlpk"}


def test_a_resumed_run_removes_its_own_and_no_others(tmp_path, run, names, cut_at):
    path = tmp_path / "run.mlpk"
    for name in ("run-000001.mlpk", "run-000007.mlpk", "run-999999.mlpk", "run-x.mlpk"):
        (tmp_path / name).write_text("of another run")

    def checkpoint():
        return mlpk.callbacks.checkpoint(path, keep=2)

    with pytest.raises(InterruptedError):
        run(epochs=5, callbacks=[checkpoint(), cut_at(8)])
    assert {"run-000003.mlpk", "run.mlpk"} <= set(names(tmp_path))
    run(epochs=5, checkpoint=path, callbacks=[checkpoint()], resume=True)
    assert names(tmp_path) == [
        "run-000001.mlpk", "run-000007.mlpk", "run-000012.mlpk", "run-999999.mlpk",
        "run-x.mlpk", "run.mlpk",
    ]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "left"), [(4, 2, 2), (2, 4, 4), (1, 3, 3), (4, 1, 1)])
def test_another_number_may_be_kept_from_then_on(tmp_path, before, after, left, run, kept):
    path = tmp_path / "run.mlpk"
    run(
        epochs=5,
        checkpoint=path,
        callbacks=[mlpk.callbacks.checkpoint(path, keep=before)],
    )
    later = mlpk.callbacks.checkpoint(path, keep=after)
    run(epochs=8, checkpoint=path, callbacks=[later], resume=True)
    steps = [3 * epoch for epoch in range(1, 9)]
    assert sorted(kept(tmp_path).values()) == steps[-left:]


def test_what_was_cut_between_saving_and_removing_is_removed_later(
    tmp_path, monkeypatch, run, kept
):
    path = tmp_path / "run.mlpk"
    callback = mlpk.callbacks.checkpoint(path, keep=2)
    unlink = type(path).unlink

    def cut(self, *, missing_ok=False):
        if self.name == "run-000003.mlpk" and mlpk.inspect(path).state.fit.step == 9:
            raise ZeroDivisionError
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(type(path), "unlink", cut)
    with pytest.raises(ZeroDivisionError):
        run(epochs=4, checkpoint=path, callbacks=[callback])
    monkeypatch.undo()
    wanted = {"run-000003.mlpk": 3, "run-000006.mlpk": 6, "run.mlpk": 9}
    assert kept(tmp_path) == wanted
    again = mlpk.callbacks.checkpoint(path, keep=2)
    run(epochs=4, checkpoint=path, callbacks=[again], resume=True)
    assert kept(tmp_path) == {"run-000009.mlpk": 9, "run.mlpk": 12}


def damage(path):
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)


def test_the_earlier_one_that_is_whole_is_named(tmp_path, run):
    path = tmp_path / "run.mlpk"

    def checkpoint():
        return mlpk.callbacks.checkpoint(path, keep=4)

    run(epochs=4, checkpoint=path, callbacks=[checkpoint()])
    damage(path)
    damage(tmp_path / "run-000009.mlpk")
    shutil.copy(tmp_path / "run-000006.mlpk", tmp_path / "run-000100.mlpk")
    message = (
        r"run.mlpk: the file is damaged: .* run-000006.mlpk beside it is whole: put a copy of "
        r"that in its place to go on from step 6"
    )
    with pytest.raises(FileFormatError, match=message):
        run(epochs=5, checkpoint=path, callbacks=[checkpoint()], resume=True)
    shutil.copy(tmp_path / "run-000006.mlpk", path)
    _, told = run(epochs=5, checkpoint=path, callbacks=[checkpoint()], resume=True)
    assert told == [(3, 0, 9), (4, 0, 12), (5, 0, 15)]


def test_neighbours_of_a_newer_release_are_passed_over(tmp_path, run):
    path = tmp_path / "run.mlpk"

    def checkpoint():
        return mlpk.callbacks.checkpoint(path, keep=3)

    run(epochs=4, checkpoint=path, callbacks=[checkpoint()])
    newer = tmp_path / "run-000009.mlpk"
    header = plain(mlpk.inspect(newer))
    header["spec"]["nodes"][0]["schema"] = 99
    del header["pad"], header["tensors"]
    newer.write_bytes(writer.dump(header, mlpk.load_arrays(newer)))
    damage(path)
    message = r"run.mlpk: the file is damaged: .* run-000006.mlpk beside it is whole"
    with pytest.raises(FileFormatError, match=message):
        run(epochs=5, checkpoint=path, callbacks=[checkpoint()], resume=True)


def test_without_one_the_damage_is_all_there_is_to_say(tmp_path, run):
    path = tmp_path / "run.mlpk"
    run(checkpoint=path)
    damage(path)
    with pytest.raises(FileFormatError, match="the file is damaged") as caught:
        run(checkpoint=path, resume=True)
    assert "beside it" not in str(caught.value)
