"""Why a callback ended a run: kept in the history and in the file, and told again when resumed."""

import pytest

import mlpk
from mlpk import ConfigError, hookimpl
from mlpk.file import reader, writer
from mlpk.file.source import Source
from mlpk_schemas.records import plain, values


class Stops:
    """Ends a run after its first epoch, with or without a reason."""

    def __init__(self, *reasons):
        self.reasons = reasons

    @hookimpl
    def mlpk_epoch_end(self, fit):
        fit.stop(*self.reasons)


class Ragged:
    """Puts results into the history that are no tensor."""

    @hookimpl
    def mlpk_epoch_end(self, fit):
        fit.history.metrics.setdefault("seen", []).append("a hare")


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        (["the moon is full"], "the moon is full"),
        ([], "no reason given"),
        ([""], "no reason given"),
        (
            ["at last,\nla fin: \u00e9t\u00e9 " + "z" * 300],
            "at last,\nla fin: \u00e9t\u00e9 " + "z" * 300,
        ),
    ],
)
@pytest.mark.parametrize("others", [[], [Ragged()]], ids=["alone", "ragged"])
def test_the_history_has_it_also_of_a_resumed_run(
    net, fit, digits, tmp_path, reasons, told, others
):
    given = {"epochs": 3, "checkpoint": tmp_path / "run.mlpk"}
    callbacks = [Stops(*reasons), *others]
    history = fit(net(), *digits, callbacks=callbacks, **given)
    assert (len(history), history.ended) == (1, told)
    again = fit(net(), *digits, callbacks=callbacks, resume=True, **given)
    assert (again.metrics, again.ended) == (history.metrics, told)


def test_there_is_none_where_the_run_came_to_its_end(net, fit, digits, tmp_path):
    path = tmp_path / "run.mlpk"
    history = fit(net(), *digits, epochs=2, checkpoint=path)
    assert history.ended is None
    assert "history" not in mlpk.inspect(path).state.fit.callbacks
    assert fit(net(), *digits, epochs=2, checkpoint=path, resume=True).ended is None


@pytest.mark.parametrize(
    ("callbacks", "told"),
    [
        ([Stops("one"), Stops("two")], "one"),
        ([Stops(), Stops("two"), Stops("three")], "two"),
        ([Stops("one"), Stops()], "one"),
    ],
)
def test_of_several_it_is_the_first_that_says_something(net, fit, digits, callbacks, told):
    assert fit(net(), *digits, epochs=3, callbacks=callbacks).ended == told


@pytest.mark.parametrize(
    ("reason", "found"),
    [(3, r"wanted text, found '?3"), (None, "found None"), ("\ud800", "of valid UTF-8")],
)
def test_one_that_no_file_could_hold_is_refused(net, fit, digits, reason, found):
    with pytest.raises(ConfigError, match=rf"^fit\.stop: .*{found}"):
        fit(net(), *digits, epochs=3, callbacks=[Stops(reason)])


def written_otherwise(path, history):
    """Write a file anew whose state of the history is another, none if that is None."""
    with Source.open(path) as source:
        header = values(reader.read_header(source))
    state = plain(header["state"])
    del state["fit"]["callbacks"]["history"]
    if history is not None:
        state["fit"]["callbacks"]["history"] = history
    fields = {name: value for name, value in header.items() if name not in ("tensors", "pad")}
    path.write_bytes(writer.dump({**fields, "state": state}, mlpk.load_arrays(path)))


@pytest.mark.parametrize("held", [None, {}, {"_ended": 3}])
def test_a_file_that_does_not_tell_goes_on_as_ended(net, fit, digits, tmp_path, held):
    given = {"epochs": 3, "checkpoint": tmp_path / "run.mlpk", "callbacks": [Stops("enough")]}
    history = fit(net(), *digits, **given)
    written_otherwise(given["checkpoint"], held)
    again = fit(net(), *digits, resume=True, **given)
    assert (again.metrics, again.ended) == (history.metrics, "no reason given")


def test_how_many_epochs_were_wanted_is_kept_with_it(net, fit, digits, tmp_path):
    path = tmp_path / "run.mlpk"
    fit(net(), *digits, epochs=2, checkpoint=path)
    assert "epochs" not in mlpk.inspect(path).state.fit.options
    path.unlink()
    fit(net(), *digits, epochs=2, callbacks=[Stops()], checkpoint=path)
    assert mlpk.inspect(path).state.fit.options["epochs"] == 2
    history = fit(net(), *digits, epochs=3, callbacks=[Stops()], checkpoint=path, resume=True)
    assert len(history) == 1
