"""mlpk train: runs, results, and going on with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import mlpk


def assert_same(one: Path, other: Path) -> None:
    assert mlpk.inspect(one) == mlpk.inspect(other)
    mine, theirs = mlpk.load_arrays(one), mlpk.load_arrays(other)
    assert mine.keys() == theirs.keys()
    for name, array in mine.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)


def test_results_and_messages_go_their_own_ways(run, write, tmp_path: Path) -> None:
    out = tmp_path / "out.mlpk"
    result = run("train", write(), "-o", out)
    assert result.exit_code == 0
    names = [line.split()[0] for line in result.stdout.splitlines()]
    assert names == ["loss", "accuracy"]
    lines = result.stderr.splitlines()
    assert lines[0].startswith("epoch 1/2 ")
    assert lines[1].startswith("epoch 2/2 ")
    assert lines[2] == f"Saved {out}."


def test_it_is_what_fit_would_have_made(run, write, tmp_path: Path) -> None:
    assert run("train", write(), "-o", tmp_path / "cli.mlpk").exit_code == 0
    x, y, _, _ = mlpk.datasets.digits()
    head = mlpk.layers.dense(units=16).named("head")
    model = mlpk.Model(
        ["flatten", head, "relu", mlpk.layers.dense(units=10)], input_shape=(8, 8, 1), seed=3
    )
    model.fit(
        x,
        y,
        loss="softmax_cross_entropy",
        optimizer=mlpk.optimizers.adam(lr=0.003),
        epochs=2,
        batch_size=64,
        metrics=["accuracy"],
        progress=False,
        checkpoint=tmp_path / "api.mlpk",
    )
    assert_same(tmp_path / "cli.mlpk", tmp_path / "api.mlpk")


def test_validation_measures_the_test_part(run, write, tmp_path: Path) -> None:
    out, config = tmp_path / "out.mlpk", write()
    result = run("train", config, "-o", out, "--set", "fit.validation=true")
    found = dict(line.split() for line in result.stdout.splitlines())
    assert list(found) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    told = dict(line.split() for line in run("evaluate", out, config).stdout.splitlines())
    assert told == {"loss": found["val_loss"], "accuracy": found["val_accuracy"]}


@pytest.mark.parametrize("given", ["accuracy", "{dense='accuracy'}"])
def test_a_single_metric_needs_no_list(run, write, tmp_path: Path, given: str) -> None:
    out, listed = tmp_path / "out.mlpk", tmp_path / "listed.mlpk"
    result = run("train", write(), "-o", out, "--set", f"fit.metrics={given}")
    assert result.exit_code == 0, result.stderr
    assert run("train", write(), "-o", listed).stdout == result.stdout


def test_a_longer_run_equals_one_in_two_parts(run, write, trained: Path, tmp_path: Path) -> None:
    config, straight = write(), tmp_path / "straight.mlpk"
    assert run("train", config, "-o", straight, "--set", "fit.epochs=4").exit_code == 0
    result = run("train", config, "-o", trained, "--set", "fit.epochs=4", "--resume")
    assert result.exit_code == 0
    assert "epoch 3/4" in result.stderr
    assert "epoch 2/4" not in result.stderr
    assert_same(trained, straight)


def test_resuming_a_finished_run_tells_its_results(run, write, trained: Path) -> None:
    before = trained.read_bytes()
    result = run("train", write(), "-o", trained, "--resume")
    assert result.exit_code == 0
    assert result.stderr == f"{trained} is at epoch 2 of 2 already.\n"
    fewer = run("train", write(), "-o", trained, "--resume", "--set", "fit.epochs=1")
    assert fewer.stderr == f"{trained} is at epoch 2 of the 1 wanted already.\n"
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["loss", "accuracy"]
    assert trained.read_bytes() == before


def test_resume_without_a_file_starts(run, write, trained_once: Path, tmp_path: Path) -> None:
    assert run("train", write(), "-o", tmp_path / "new.mlpk", "--resume").exit_code == 0
    assert_same(tmp_path / "new.mlpk", trained_once)


def test_resuming_another_run_names_the_difference(run, write, trained: Path) -> None:
    result = run("train", write(), "-o", trained, "--resume", "--set", "fit.optimizer.lr=0.1")
    assert result.exit_code == 2
    assert "optimizer.config.lr" in result.stderr
    assert "0.003" in result.stderr


def test_a_file_that_is_there_is_told_of_before_it_goes(run, write, trained: Path) -> None:
    result = run("train", write(), "-o", trained, "--set", "fit.epochs=1")
    assert result.exit_code == 0
    assert "will be replaced" in result.stderr
    assert mlpk.inspect(trained).state.fit.epoch == 1


STOPPING = 'fit.callbacks=[{kind="early_stopping", monitor="loss", min_delta=1e9}]'


def test_what_early_stopping_ended_says_so_and_does_not_go_on(run, write, tmp_path: Path) -> None:
    out, config = tmp_path / "out.mlpk", write()
    arguments = ["train", config, "-o", out, "--set", "fit.optimizer.lr=0.1", "--set", STOPPING]
    result = run(*arguments, "--set", "fit.epochs=6")
    assert result.exit_code == 0
    one = tmp_path / "one.mlpk"
    first = run(
        "train", config, "-o", one, "--set", "fit.epochs=1", "--set", "fit.optimizer.lr=0.1"
    )
    assert result.stdout == first.stdout  # of the epoch whose weights are saved
    loss = mlpk.load_arrays(one)["state:history/loss"][0]
    note = (
        f"early_stopping ended the run after epoch 4: loss was best in epoch 1, {loss:.6g}; the "
        "weights of epoch 1 are back\n"
    )
    assert result.stderr.partition("epoch 4/6")[2].partition("\n")[2] == (
        f"{note}Saved {out}.\nThe results below are those of epoch 1.\n"
    )
    best = mlpk.load(one).params
    for name, array in mlpk.load(out).params.items():
        np.testing.assert_array_equal(array, best[name])
    before = out.read_bytes()
    told = (
        f"The run in {out} was ended by a callback after epoch 4 and does not go on from there, "
        "whatever the number of epochs; nothing was trained. To train longer start anew, without "
        "--resume, and without that callback or with one that waits longer.\n"
    )
    below = "The results below are those of epoch 1.\n"
    again = run(*arguments, "--set", "fit.epochs=6", "--resume")
    assert (again.exit_code, again.stdout) == (0, result.stdout)
    assert again.stderr == f"{note}{told}{below}"
    more = run(*arguments, "--set", "fit.epochs=8", "--resume")
    assert (more.exit_code, more.stdout) == (1, result.stdout)
    assert more.stderr == f"{note}{below}Error: {told}"
    assert out.read_bytes() == before
    assert ", ended" in run("inspect", out).stdout
    doctor = run("doctor", out)
    assert doctor.exit_code == 0
    assert "ended by a callback, and does not go on" in doctor.stdout


@pytest.mark.parametrize(
    ("callback", "notes"),
    [
        ('{kind="early_stopping", monitor="accuracy", patience=9, mode="min"}', 1),
        ('{kind="early_stopping", monitor="loss"}', 0),
        ('{kind="moving_average", decay=0.9}', 1),
    ],
)
def test_weights_put_in_place_at_the_end_are_saved_beside_those_that_it_goes_on_with(
    run, write, tmp_path: Path, callback: str, notes: int
) -> None:
    out, straight, apart = (tmp_path / name for name in ("out.mlpk", "one.mlpk", "apart.mlpk"))
    changes = ["--set", f"fit.callbacks=[{callback}]"]
    result = run("train", write(), "-o", out, *changes)
    assert result.exit_code == 0
    assert len(result.stderr.splitlines()) == 3 + notes + ("early" in callback and notes)
    run("train", write(), "-o", apart)  # without a callback
    same = np.array_equal(
        mlpk.load_arrays(out)["head/weight"], mlpk.load_arrays(apart)["head/weight"]
    )
    assert same == (not notes)
    before = out.read_bytes()
    again = run("train", write(), "-o", out, *changes, "--resume")
    assert (again.exit_code, again.stdout) == (0, result.stdout)
    assert f"{out} is at epoch 2 of 2 already.\n" in again.stderr
    assert out.read_bytes() == before
    changes += ["--set", "fit.epochs=4"]
    longer = run("train", write(), "-o", out, *changes, "--resume")
    assert longer.exit_code == 0
    assert longer.stdout == run("train", write(), "-o", straight, *changes).stdout
    assert_same(out, straight)


def test_a_run_of_the_command_line_goes_on_in_python(run, write, tmp_path: Path) -> None:
    out, straight = tmp_path / "out.mlpk", tmp_path / "straight.mlpk"
    changes = ["--set", 'fit.callbacks=["moving_average"]']
    run("train", write(), "-o", out, *changes)
    run("train", write(), "-o", straight, *changes, "--set", "fit.epochs=3")
    x, y, _, _ = mlpk.datasets.digits()
    head = mlpk.layers.dense(units=16).named("head")
    model = mlpk.Model(
        ["flatten", head, "relu", mlpk.layers.dense(units=10)], input_shape=(8, 8, 1), seed=3
    )
    model.fit(
        x, y, loss="softmax_cross_entropy", optimizer=mlpk.optimizers.adam(lr=0.003), epochs=3,
        batch_size=64, metrics=["accuracy"], callbacks=["moving_average"], progress=False,
        checkpoint=out, resume=True,
    )  # fmt: skip
    for name, array in mlpk.load(straight).params.items():
        np.testing.assert_array_equal(array, model.params[name])


def test_averaged_weights_have_no_results_of_their_own(run, write, tmp_path: Path) -> None:
    out = tmp_path / "out.mlpk"
    result = run("train", write(), "-o", out, "--set", 'fit.callbacks=["moving_average"]')
    assert result.stderr.endswith(
        "A callback put other weights in place at the end, and these are saved; the results below "
        f"are those of the last epoch.\nSaved {out}.\n"
    )


def test_what_the_checkpoints_of_callbacks_replace_is_told_of(run, write, tmp_path: Path) -> None:
    own, out = tmp_path / "own.mlpk", tmp_path / "out.mlpk"
    changes = [
        "--set", "fit.epochs=1",
        "--set", f'fit.callbacks=[{{kind="checkpoint", path="{own}", every_steps=10, keep=2}}]',
    ]  # fmt: skip
    first = run("train", write(), "-o", out, *changes)
    assert "replaced" not in first.stderr
    assert [path.name for path in sorted(tmp_path.glob("own*"))] == ["own-000020.mlpk", "own.mlpk"]
    again = run("train", write(), "-o", out, *changes)
    assert again.stderr.splitlines()[:3] == [
        f"{own} will be replaced by a callback of this run.",
        "Beside it the checkpoints of an earlier run stay: own-000020.mlpk.",
        f"{out} will be replaced after the first epoch; --resume would go on with it.",
    ]
    assert "replaced" not in run("train", write(), "-o", out, *changes, "--resume").stderr
    out.unlink()  # so that --resume starts anew
    last = run("train", write(), "-o", out, *changes, "--resume")
    assert last.stderr.startswith(f"{own} will be replaced by a callback of this run.\nBeside it ")
    assert f"{out} will be" not in last.stderr


def test_arrays_with_weights_train_too(run, write, tmp_path: Path) -> None:
    x, y, _, _ = mlpk.datasets.digits()
    np.save(tmp_path / "x.npy", x[:100])
    np.save(tmp_path / "y.npy", y[:100])
    np.save(tmp_path / "w.npy", np.linspace(0, 1, 100))
    config = write(('name = "digits"', 'x = "x.npy"\ny = "y.npy"\nweight = "w.npy"'))
    result = run("train", config, "-o", tmp_path / "out.mlpk")
    assert result.exit_code == 0, result.stderr
    assert run("evaluate", tmp_path / "out.mlpk", config).exit_code == 0


@pytest.mark.parametrize(
    ("change", "where", "words"),
    [
        ("fit.loss=softmax_crossentropy", "fit.loss", "Did you mean 'softmax_cross_entropy'?"),
        ("fit.optimizer=adm", "fit.optimizer", "Did you mean 'adam'?"),
        ("fit.optimizer=adm", "fit.optimizer", "If a plugin brings it, that has to be installed"),
        ("data.name=digts", "data.name", "`mlpk plugins` lists them."),
        ('fit.optimizer.lr="a"', "fit.optimizer.lr", "instance) or a number; there is"),
        ("fit.optimizer.rate=1", "fit.optimizer.rate", "there is no such field"),
        ('fit.metrics=["accuracy", "acuracy"]', "fit.metrics[1]", "Did you mean 'accuracy'?"),
        ("fit.regularizer=l3", "fit.regularizer", "Known are: l1, l2"),
        ('fit.callbacks=["progres"]', "fit.callbacks[0]", "Did you mean 'progress'?"),
        ("fit.callbacks=[{patience=1}]", "fit.callbacks[0]", "wanted a name"),
        (
            'fit.callbacks=[{kind="early_stopping", patince=1}]',
            "fit.callbacks[0].patince",
            "Did you mean 'patience'?",
        ),
        (
            'fit.callbacks=[{kind="early_stopping", patience=0}]',
            "fit.callbacks[0].patience",
            "wanted 1 or more",
        ),
        (
            'fit.callbacks=[{kind="early_stopping", patience="x"}]',
            "fit.callbacks[0]",
            "early_stopping cannot take",
        ),
        ("fit.lr_factors.hed=2", "fit.lr_factors", "Did you mean 'head'?"),
        ("fit.metrics={outpt=[]}", "fit.metrics", "there is no output 'outpt'"),
        ('fit.frozen=["hed"]', "fit.frozen", "Did you mean 'head'?"),
        ("data.name=xor", "fit.validation", "wanted data with a test part"),
    ],
)
def test_a_wrong_part_of_fit_is_named(
    run, write, tmp_path: Path, change: str, where: str, words: str
) -> None:
    changes = ["--set", "fit.validation=true", "--set", change]
    result = run("train", write(), "-o", tmp_path / "out.mlpk", *changes)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"Error: {where}: ")
    assert words in result.stderr
    assert not (tmp_path / "out.mlpk").exists()


def test_a_target_that_cannot_be_written_is_refused_first(run, write, tmp_path: Path) -> None:
    for target in (tmp_path, tmp_path / "absent" / "out.mlpk"):
        result = run("train", write(), "-o", target)
        assert result.exit_code == 2
        assert "epoch" not in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_an_interrupted_run_goes_on_to_the_same_end(run, write, tmp_path: Path) -> None:
    config, out = write(("epochs = 2", "epochs = 400")), tmp_path / "out.mlpk"
    command = [sys.executable, "-m", "mlpk", "train", str(config), "-o", str(out)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        assert process.stderr is not None
        for epoch in (1, 2):  # once the second is told of, the first is saved
            assert process.stderr.readline().startswith(f"epoch {epoch}/400 ")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    assert process.returncode == 130
    assert stdout == ""
    assert "Traceback" not in stderr
    assert stderr.endswith(f"--resume goes on from what {out} holds.\nInterrupted.\n")
    done = mlpk.inspect(out).state.fit.epoch
    assert 1 <= done < 400
    changes = ["--set", f"fit.epochs={done + 1}"]
    assert run("train", config, "-o", out, "--resume", *changes).exit_code == 0
    assert run("train", config, "-o", tmp_path / "straight.mlpk", *changes).exit_code == 0
    assert_same(out, tmp_path / "straight.mlpk")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_what_was_saved_inside_the_first_epoch_is_told_of(write, tmp_path: Path) -> None:
    config, out = write(("batch_size = 64", "batch_size = 1")), tmp_path / "out.mlpk"
    callbacks = f'fit.callbacks=[{{kind="checkpoint", path="{out}", every_steps=1}}]'
    command = [sys.executable, "-m", "mlpk", "train", str(config), "-o", str(out)]
    with subprocess.Popen(
        [*command, "--set", callbacks], stderr=subprocess.PIPE, text=True
    ) as process:
        while not out.exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == 130
    assert mlpk.inspect(out).state.fit.epoch == 0
    assert stderr.endswith(f"--resume goes on from what {out} holds.\nInterrupted.\n")


def test_it_replaces_nothing_but_models(run, write, tmp_path: Path) -> None:
    config = write()
    result = run("train", config, "-o", config)
    assert result.exit_code == 2
    assert "is what this command reads; write elsewhere" in result.stderr
    other = tmp_path / "notes.txt"
    other.write_text("mine")
    result = run("train", config, "-o", other)
    assert result.exit_code == 2
    assert "is there already and is no .mlpk file" in result.stderr
    assert other.read_text() == "mine"


def test_another_seed_is_told_when_resuming(run, write, trained: Path) -> None:
    result = run("train", write(), "-o", trained, "--resume", "--set", "seed=4")
    assert result.exit_code == 2
    assert "seed: the run in" in result.stderr
    assert "had 3, this one has 4" in result.stderr
