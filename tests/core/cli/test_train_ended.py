"""mlpk train: runs that callbacks end, and weights that they put in place at the end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import mlpk
from mlpk import hookimpl

STOPPING = 'fit.callbacks=[{kind="early_stopping", monitor="loss", min_delta=1e9}]'
OTHERS = (
    "A callback put other weights in place at the end, and these are saved; the results below are "
    "those of the last epoch."
)


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
    reason = "early_stopping waited 3 epochs for a better loss"
    note = (
        f"Ended by a callback after epoch 4: {reason}\n"
        f"early_stopping: loss last improved by min_delta in epoch 1, {loss:.6g}; the weights of "
        "epoch 1 are back\n"
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
    assert f"; ended by a callback, and does not go on: {reason}\n" in doctor.stdout
    training = json.loads(run("doctor", out, "--json").stdout)["training"]
    assert (training["ended"], training["reason"]) == (True, reason)


@pytest.mark.parametrize(
    ("callback", "others", "told"),
    [
        (
            '{kind="early_stopping", monitor="accuracy", patience=9, mode="min"}',
            True,
            [
                "early_stopping: accuracy was best in epoch 1, {best}; the weights of epoch 1 are back",
                "Saved {out}.",
                "The results below are those of epoch 1.",
            ],
        ),
        ('{kind="early_stopping", monitor="loss"}', False, ["Saved {out}."]),
        (
            '{kind="moving_average", decay=0.9}',
            True,
            [OTHERS, "Saved {out}."],
        ),
    ],
)
def test_weights_put_in_place_at_the_end_are_saved_beside_those_that_it_goes_on_with(
    run, write, assert_same, tmp_path: Path, callback: str, others: bool, told: list[str]
) -> None:
    out, straight, apart = (tmp_path / name for name in ("out.mlpk", "one.mlpk", "apart.mlpk"))
    changes = ["--set", f"fit.callbacks=[{callback}]"]
    result = run("train", write(), "-o", out, *changes)
    assert result.exit_code == 0
    best = dict(line.split() for line in result.stdout.splitlines())["accuracy"]
    wanted = [line.format(out=out, best=best) for line in told]
    assert result.stderr.splitlines()[2:] == wanted
    run("train", write(), "-o", apart)  # without a callback
    same = np.array_equal(
        mlpk.load_arrays(out)["head/weight"], mlpk.load_arrays(apart)["head/weight"]
    )
    assert same is not others
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


def test_averaged_weights_have_no_results_of_their_own(run, write, tmp_path: Path) -> None:
    out = tmp_path / "out.mlpk"
    result = run("train", write(), "-o", out, "--set", 'fit.callbacks=["moving_average"]')
    assert result.stderr.endswith(f"{OTHERS}\nSaved {out}.\n")


class Enough:
    """A callback that ends a run after its second epoch, and has no reason to give."""

    kind = "enough"

    @hookimpl
    def mlpk_epoch_end(self, fit) -> None:
        if fit.epoch == 2:
            fit.stop()


class Brings:
    @hookimpl
    def mlpk_callbacks(self):
        return [Enough]


@pytest.mark.usefixtures("own_catalog")
@pytest.mark.filterwarnings("ignore::mlpk.plugins.PortabilityWarning")
def test_that_one_ended_the_run_is_told_beside_the_note_of_another(
    run, write, tmp_path: Path
) -> None:
    early = '{kind="early_stopping", monitor="accuracy", patience=9, mode="min"}'
    changes = ["--set", f'fit.callbacks=[{early}, "enough"]', "--set", "fit.epochs=3"]
    mlpk.plugins.add(Brings())
    result = run("train", write(), "-o", tmp_path / "out.mlpk", *changes)
    assert result.exit_code == 0
    told, note = result.stderr.splitlines()[2:4]
    assert told == "Ended by a callback after epoch 2: no reason given"
    assert note.startswith("early_stopping: accuracy was best in epoch 1, ")
