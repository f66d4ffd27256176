"""Progress: one plain line an epoch where there is no terminal, a bar where there is."""

import io
import re

import numpy as np
import pytest

import mlpk


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def run(progress=True, **more):
    model = mlpk.Model([{"kind": "dense", "units": 2}], input_shape=(2,), seed=0)
    x = np.random.default_rng(0).standard_normal((6, 2))
    y = np.array([0, 1, 0, 1, 0, 1])
    given = {"loss": "softmax_cross_entropy", "optimizer": "sgd", "batch_size": 2, "epochs": 2}
    return model.fit(x, y, progress=progress, **{**given, **more})


def test_each_epoch_is_a_line_on_standard_error(capsys):
    history = run(metrics=["accuracy"]).metrics
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 2
    for epoch, line in enumerate(lines):
        wanted = (
            rf"epoch {epoch + 1}/2  \d+\.\d s  loss {history['loss'][epoch]:.4f}  "
            rf"accuracy {history['accuracy'][epoch]:.4f}"
        )
        assert re.fullmatch(wanted, line)


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_notes_come_last_wherever_it_stands_in_the_list(stream):
    class Noting:
        @mlpk.hookimpl
        def mlpk_fit_end(self, fit):
            fit.history.notes.append("twice round the lake")

    shown = stream()
    run(None, callbacks=[mlpk.callbacks.progress(shown), Noting()])
    assert shown.getvalue().endswith("twice round the lake\n")
    assert shown.getvalue().count("twice round the lake\n") == 1


def test_a_reason_that_would_steer_a_terminal_is_escaped():
    class Stops:
        @mlpk.hookimpl
        def mlpk_epoch_end(self, fit):
            fit.stop("enough\x1b[2J")

    shown = io.StringIO()
    run(None, callbacks=[mlpk.callbacks.progress(shown), Stops()])
    assert shown.getvalue().splitlines()[1:] == [
        r"Ended by a callback after epoch 1: 'enough\x1b[2J'"
    ]


def test_another_stream_may_be_given(capsys):
    stream = io.StringIO()
    run(mlpk.callbacks.progress(stream))
    assert capsys.readouterr() == ("", "")
    assert len(stream.getvalue().splitlines()) == 2


@pytest.mark.parametrize("batches", [None, "generator"])
def test_a_terminal_gets_a_bar_and_the_same_lines(batches):
    stream = Terminal()
    if batches is None:
        run(mlpk.callbacks.progress(stream))
    else:
        model = mlpk.Model([{"kind": "dense", "units": 2}], input_shape=(2,), seed=0)
        rows = ((np.ones((2, 2)), np.zeros(2, int)) for _ in range(3))
        model.fit(
            rows,
            loss="softmax_cross_entropy",
            optimizer="sgd",
            progress=mlpk.callbacks.progress(stream),
        )
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
    lines = [
        line for line in text.splitlines() if re.fullmatch(r"epoch \d/\d  .* s  loss .*", line)
    ]
    assert len(lines) == (2 if batches is None else 1)
    assert "3/3" in text or batches is not None
    assert stream.getvalue() != text  # there was a bar


def test_a_bar_is_taken_away_also_when_a_run_fails():
    stream = Terminal()

    class Trouble:
        @mlpk.hookimpl
        def mlpk_batch_end(self, fit):
            raise RuntimeError("no more paper")

    shown = mlpk.callbacks.progress(stream)
    with pytest.raises(RuntimeError, match="no more paper"):
        run(shown, callbacks=[Trouble()])
    assert "\x1b[?25h" in stream.getvalue()  # the cursor is shown again
    run(shown, epochs=1)
