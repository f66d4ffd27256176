"""mlpk train: runs, results, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mlpk


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


def test_it_is_what_fit_would_have_made(run, write, assert_same, tmp_path: Path) -> None:
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


def test_a_file_that_is_there_is_told_of_before_it_goes(run, write, trained: Path) -> None:
    result = run("train", write(), "-o", trained, "--set", "fit.epochs=1")
    assert result.exit_code == 0
    assert "will be replaced" in result.stderr
    assert mlpk.inspect(trained).state.fit.epoch == 1


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
