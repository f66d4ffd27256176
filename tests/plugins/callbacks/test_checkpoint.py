"""Checkpoints: when they are written, that they are whole, and which are kept."""

import os
import shutil

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, FileAccessError, FileFormatError, hookimpl
from mlpk.file import writer
from mlpk_schemas.records import plain


class Files:
    """Writes down the step and batch that the file tells, whenever the run has saved it."""

    def __init__(self):
        self.told = []

    @hookimpl
    def mlpk_fit_begin(self, fit):
        save = fit.save

        def saved(path):
            digest = save(path)
            where = mlpk.inspect(path).state.fit
            self.told.append((where.epoch, where.batch, where.step))
            return digest

        fit.save = saved


class Cut:
    """Ends the run at a step, before anything is saved there."""

    def __init__(self, step):
        self.step = step

    @hookimpl
    def mlpk_batch_end(self, fit):
        if fit.step == self.step:
            raise InterruptedError


def run(*, epochs=2, seed=0, **more):
    """Train for epochs of three steps."""
    model = mlpk.Model([{"kind": "dense", "units": 1}], input_shape=(2,), seed=seed)
    x = np.random.default_rng(0).standard_normal((6, 2))
    files = Files()
    callbacks = [files, *more.pop("callbacks", [])]
    model.fit(
        x,
        x.sum(axis=1),
        loss="mean_squared_error",
        optimizer="momentum",
        batch_size=2,
        epochs=epochs,
        callbacks=callbacks,
        progress=False,
        **more,
    )
    return model, files.told


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_run_is_saved_after_every_epoch(tmp_path):
    path = tmp_path / "run.mlpk"
    model, told = run(checkpoint=path)
    assert told == [(1, 0, 3), (2, 0, 6)]
    saved = mlpk.load(path)
    for name, param in model.params.items():
        np.testing.assert_array_equal(saved.params[name], param)
    assert names(tmp_path) == ["run.mlpk"]


@pytest.mark.parametrize("also", [False, True])
def test_every_steps_saves_within_epochs_too(tmp_path, also):
    path = tmp_path / "run.mlpk"
    checkpoint = mlpk.callbacks.checkpoint(path, every_steps=2)
    _, told = run(callbacks=[checkpoint], checkpoint=path if also else None)
    assert told == [(0, 2, 2), (1, 0, 3), (1, 1, 4), (1, 3, 6), (2, 0, 6)]


def test_a_file_of_the_same_path_is_written_once_an_epoch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "run.mlpk"
    mine = mlpk.callbacks.checkpoint("./run.mlpk", every_steps=100)
    _, told = run(callbacks=[mine], checkpoint=str(path))
    assert len(told) == 2


class Moves:
    """Changes a parameter as late as a hook can."""

    @hookimpl(trylast=True)
    def mlpk_batch_end(self, fit):
        fit.model.params["dense/bias"] += 1.0

    @hookimpl(wrapper=True)
    def mlpk_epoch_end(self, fit):
        yield
        fit.model.params["dense/bias"] += 10.0


def test_it_comes_after_those_that_want_to_be_last(tmp_path):
    path = tmp_path / "run.mlpk"
    model, _ = run(callbacks=[mlpk.callbacks.checkpoint(path, every_steps=1), Moves()], epochs=1)
    bias = model.params["dense/bias"]
    np.testing.assert_array_equal(mlpk.load(path).params["dense/bias"], bias)
    assert bias[0] > 12


@pytest.mark.parametrize("given", [0, -3, True, 1.5])
@pytest.mark.parametrize("name", ["every_steps", "keep"])
def test_wrong_numbers_are_refused(given, name, tmp_path):
    with pytest.raises(ConfigError, match=rf"^checkpoint.{name}: wanted a whole number from 1, fo"):
        mlpk.callbacks.checkpoint(tmp_path / "run.mlpk", **{name: given})


def test_a_path_is_a_path():
    with pytest.raises(ConfigError, match=r"^checkpoint.path: wanted the path of a file, found 3"):
        mlpk.callbacks.checkpoint(3)


def test_a_folder_that_is_not_there_is_told_at_the_start(tmp_path):
    path = tmp_path / "absent" / "run.mlpk"
    with pytest.raises(FileAccessError, match="there is no folder"):
        run(callbacks=[mlpk.callbacks.checkpoint(path), Cut(1)])


class TestKeep:
    def files(self, folder):
        """Return the step that each file tells, by name."""
        return {
            path.name: mlpk.inspect(path).state.fit.step for path in sorted(folder.glob("*.mlpk"))
        }

    def test_the_last_are_kept_under_their_steps(self, tmp_path):
        path = tmp_path / "run.mlpk"
        run(epochs=5, callbacks=[mlpk.callbacks.checkpoint(path, keep=3)])
        wanted = {"run-000009.mlpk": 9, "run-000012.mlpk": 12, "run.mlpk": 15}
        assert self.files(tmp_path) == wanted
        assert names(tmp_path) == sorted(wanted)

    def test_there_is_always_a_newest_one(self, tmp_path):
        path = tmp_path / "run.mlpk"
        checkpoint = mlpk.callbacks.checkpoint(path, every_steps=2, keep=2)
        _, told = run(epochs=3, callbacks=[checkpoint])
        assert [step for _, _, step in told] == [2, 3, 4, 6, 6, 8, 9]
        assert self.files(tmp_path) == {"run-000008.mlpk": 8, "run.mlpk": 9}

    def test_what_is_saved_twice_at_a_step_is_one_checkpoint(self, tmp_path):
        path = tmp_path / "run.mlpk"
        checkpoint = mlpk.callbacks.checkpoint(path, every_steps=2, keep=2)
        _, told = run(epochs=2, callbacks=[checkpoint])
        assert told[-2:] == [(1, 3, 6), (2, 0, 6)]
        assert self.files(tmp_path) == {"run-000004.mlpk": 4, "run.mlpk": 6}

    def test_a_file_ahead_of_the_run_is_not_taken_for_an_earlier_one(self, tmp_path):
        ahead, path = tmp_path / "ahead.mlpk", tmp_path / "run.mlpk"

        def often():
            return mlpk.callbacks.checkpoint(ahead, every_steps=1, keep=9)

        with pytest.raises(InterruptedError):
            run(epochs=3, checkpoint=path, callbacks=[often(), Cut(6)])
        assert mlpk.inspect(ahead).state.fit.step == 5
        assert mlpk.inspect(path).state.fit.step == 3
        run(epochs=2, checkpoint=path, callbacks=[often()], resume=True)
        for name, step in self.files(tmp_path).items():
            assert name in {"run.mlpk", "ahead.mlpk", f"ahead-{step:06d}.mlpk"}

    def test_a_whole_earlier_one_can_be_gone_on_from(self, tmp_path):
        path, other = tmp_path / "run.mlpk", tmp_path / "other.mlpk"
        model, _ = run(epochs=4, callbacks=[mlpk.callbacks.checkpoint(path, keep=3)])
        shutil.copy(tmp_path / "run-000006.mlpk", other)
        again, told = run(epochs=4, seed=5, checkpoint=other, resume=True)
        assert told == [(3, 0, 9), (4, 0, 12)]
        for name, param in model.params.items():
            np.testing.assert_array_equal(again.params[name], param)

    def test_a_resumed_run_removes_its_own_and_no_others(self, tmp_path):
        path = tmp_path / "run.mlpk"
        for name in ("run-000001.mlpk", "run-000007.mlpk", "run-999999.mlpk", "run-x.mlpk"):
            (tmp_path / name).write_text("of another run")

        def checkpoint():
            return mlpk.callbacks.checkpoint(path, keep=2)

        with pytest.raises(InterruptedError):
            run(epochs=5, callbacks=[checkpoint(), Cut(8)])
        assert {"run-000003.mlpk", "run.mlpk"} <= set(names(tmp_path))
        run(epochs=5, checkpoint=path, callbacks=[checkpoint()], resume=True)
        assert names(tmp_path) == [
            "run-000001.mlpk", "run-000007.mlpk", "run-000012.mlpk", "run-999999.mlpk",
            "run-x.mlpk", "run.mlpk",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("before", "after", "left"), [(4, 2, 2), (2, 4, 4), (1, 3, 3), (4, 1, 1)]
    )
    def test_another_number_may_be_kept_from_then_on(self, tmp_path, before, after, left):
        path = tmp_path / "run.mlpk"
        run(
            epochs=5,
            checkpoint=path,
            callbacks=[mlpk.callbacks.checkpoint(path, keep=before)],
        )
        later = mlpk.callbacks.checkpoint(path, keep=after)
        run(epochs=8, checkpoint=path, callbacks=[later], resume=True)
        steps = [3 * epoch for epoch in range(1, 9)]
        assert sorted(self.files(tmp_path).values()) == steps[-left:]

    def test_what_was_cut_between_saving_and_removing_is_removed_later(self, tmp_path, monkeypatch):
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
        assert self.files(tmp_path) == wanted
        again = mlpk.callbacks.checkpoint(path, keep=2)
        run(epochs=4, checkpoint=path, callbacks=[again], resume=True)
        assert self.files(tmp_path) == {"run-000009.mlpk": 9, "run.mlpk": 12}

    def test_a_run_that_starts_anew_leaves_files_of_an_older_one(self, tmp_path):
        path = tmp_path / "run.mlpk"
        run(epochs=5, callbacks=[mlpk.callbacks.checkpoint(path, keep=3)])
        older = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
        assert sorted(older) == ["run-000009.mlpk", "run-000012.mlpk", "run.mlpk"]
        run(epochs=2, seed=1, callbacks=[mlpk.callbacks.checkpoint(path, keep=2)])
        for name in ("run-000009.mlpk", "run-000012.mlpk"):
            assert (tmp_path / name).read_bytes() == older[name]
        assert self.files(tmp_path)["run-000003.mlpk"] == 3

    def test_without_links_a_copy_is_kept(self, tmp_path, monkeypatch):
        def link(*_):
            raise OSError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", link)
        path = tmp_path / "run.mlpk"
        run(epochs=3, callbacks=[mlpk.callbacks.checkpoint(path, keep=2)])
        assert self.files(tmp_path) == {"run-000006.mlpk": 6, "run.mlpk": 9}
        mlpk.load(tmp_path / "run-000006.mlpk")

    def test_a_folder_in_the_way_is_told_before_the_first_step(self, tmp_path):
        path = tmp_path / "run.mlpk"
        (tmp_path / "run-000003.mlpk").mkdir()
        with pytest.raises(
            FileAccessError, match=r"run-000003.mlpk: wanted a regular file to write"
        ):
            run(callbacks=[mlpk.callbacks.checkpoint(path, keep=2), Cut(1)])

    def test_a_name_with_no_room_for_a_step_is_told_before_the_first(self, tmp_path):
        path = tmp_path / ("a" * 247 + ".mlpk")
        with pytest.raises(FileAccessError, match="too long; choose a shorter name"):
            run(callbacks=[mlpk.callbacks.checkpoint(path, keep=2), Cut(1)])
        _, told = run(callbacks=[mlpk.callbacks.checkpoint(path)])
        assert len(told) == 2

    @pytest.mark.parametrize("what", ["notes", "a folder", "another model", "nothing"])
    def test_what_somebody_put_in_place_of_an_earlier_one_stays(self, tmp_path, what):
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

    def test_so_it_does_after_the_run_was_resumed(self, tmp_path):
        path, gone = tmp_path / "run.mlpk", tmp_path / "run-000003.mlpk"
        with pytest.raises(InterruptedError):
            run(epochs=4, callbacks=[mlpk.callbacks.checkpoint(path, keep=2), Cut(8)])
        gone.unlink()
        gone.write_text("mine")
        more = {"checkpoint": path, "resume": True}
        run(epochs=4, callbacks=[mlpk.callbacks.checkpoint(path, keep=2)], **more)
        assert gone.read_text() == "mine"
        assert self.files_but(gone, tmp_path) == {"run-000009.mlpk": 9, "run.mlpk": 12}

    def files_but(self, other, folder):
        other.unlink()
        return self.files(folder)

    def test_a_relative_path_stays_that_of_one_folder(self, tmp_path, monkeypatch):
        (tmp_path / "else").mkdir()
        monkeypatch.chdir(tmp_path)

        class Goes:
            @hookimpl
            def mlpk_fit_begin(self, fit):
                monkeypatch.chdir(tmp_path / "else")

        for more in ({"checkpoint": "two.mlpk"}, {}):
            monkeypatch.chdir(tmp_path)
            run(callbacks=[mlpk.callbacks.checkpoint("one.mlpk", keep=2), Goes()], **more)
        assert names(tmp_path) == ["else", "one-000003.mlpk", "one.mlpk", "two.mlpk"]
        assert names(tmp_path / "else") == []

    @pytest.mark.parametrize("other", ["./run.mlpk", "else/../run.mlpk", "link.mlpk"])
    def test_two_to_one_file_are_refused(self, tmp_path, monkeypatch, other):
        (tmp_path / "else").mkdir()
        (tmp_path / "link.mlpk").symlink_to("run.mlpk")
        monkeypatch.chdir(tmp_path)
        both = [mlpk.callbacks.checkpoint(path, keep=2) for path in ("run.mlpk", other)]
        with pytest.raises(
            ConfigError, match=r"^callbacks\[2\]: .* is the file of callbacks\[1\] alr"
        ):
            run(callbacks=both)
        assert not (tmp_path / "run.mlpk").exists()


class TestDamage:
    def damage(self, path):
        data = bytearray(path.read_bytes())
        data[-100] ^= 1
        path.write_bytes(data)

    def test_the_earlier_one_that_is_whole_is_named(self, tmp_path):
        path = tmp_path / "run.mlpk"

        def checkpoint():
            return mlpk.callbacks.checkpoint(path, keep=4)

        run(epochs=4, checkpoint=path, callbacks=[checkpoint()])
        self.damage(path)
        self.damage(tmp_path / "run-000009.mlpk")
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

    def test_neighbours_of_a_newer_release_are_passed_over(self, tmp_path):
        path = tmp_path / "run.mlpk"

        def checkpoint():
            return mlpk.callbacks.checkpoint(path, keep=3)

        run(epochs=4, checkpoint=path, callbacks=[checkpoint()])
        newer = tmp_path / "run-000009.mlpk"
        header = plain(mlpk.inspect(newer))
        header["spec"]["nodes"][0]["schema"] = 99
        del header["pad"], header["tensors"]
        newer.write_bytes(writer.dump(header, mlpk.load_arrays(newer)))
        self.damage(path)
        message = r"run.mlpk: the file is damaged: .* run-000006.mlpk beside it is whole"
        with pytest.raises(FileFormatError, match=message):
            run(epochs=5, checkpoint=path, callbacks=[checkpoint()], resume=True)

    def test_without_one_the_damage_is_all_there_is_to_say(self, tmp_path):
        path = tmp_path / "run.mlpk"
        run(checkpoint=path)
        self.damage(path)
        with pytest.raises(FileFormatError, match="the file is damaged") as caught:
            run(checkpoint=path, resume=True)
        assert "beside it" not in str(caught.value)
