"""The callbacks of a run: which are taken, in which order, and their random numbers."""

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, hookimpl
from mlpk.training.callbacks import Callbacks


class Teller:
    """Writes its name and each hook down."""

    def __init__(self, name: str, told: list[str]) -> None:
        self.name = name
        self.told = told

    @hookimpl
    def mlpk_fit_begin(self):
        self.told.append(f"{self.name} begins")

    @hookimpl
    def mlpk_batch_end(self, fit):
        self.told.append(f"{self.name} step {fit.step}")

    @hookimpl
    def mlpk_epoch_end(self, fit):
        self.told.append(f"{self.name} epoch {fit.epoch}")

    @hookimpl
    def mlpk_fit_end(self, fit):
        self.told.append(f"{self.name} ends")


class Keeper(Teller):
    """One that keeps state."""

    kind = "keeper"

    def state(self):
        return {}

    def restore(self, state):
        pass


def test_they_run_in_the_order_of_the_list(fit, net, digits):
    told = []
    x, y = digits
    fit(net(), x[:64], y[:64], epochs=2, callbacks=[Teller("a", told), Teller("b", told)])
    events = ["begins", "step 1", "step 2", "epoch 1", "step 3", "step 4", "epoch 2", "ends"]
    assert told == [f"{name} {event}" for event in events for name in "ab"]


def test_the_checkpoint_comes_after_all_others(fit, net, digits, tmp_path):
    """Also one that stands first in the list: what the others do goes into the file."""
    path = tmp_path / "run.mlpk"

    class Marker:
        @hookimpl
        def mlpk_epoch_end(self, fit):
            fit.model.params["dense/bias"] = np.full(12, 7.0)

    for more in (
        {"callbacks": [Marker()], "checkpoint": path},
        {"callbacks": [mlpk.callbacks.checkpoint(path), Marker()]},
    ):
        path.unlink(missing_ok=True)
        fit(net(), *digits, **more)
        np.testing.assert_array_equal(mlpk.load(path).params["dense/bias"], 7.0)


def test_progress_is_a_callback_after_the_listed_ones():
    told = []
    first, bar = Teller("a", told), Teller("bar", told)
    assert Callbacks([first], progress=bar, checkpoint=None).listed == [first, bar]
    assert [c.kind for c in Callbacks([], progress=True, checkpoint=None).listed] == ["progress"]
    assert Callbacks([], progress=False, checkpoint=None).listed == []
    assert Callbacks([], progress=None, checkpoint=None).listed == []


def test_a_checkpoint_of_the_same_path_takes_the_place_of_the_usual_one(tmp_path):
    path, other = str(tmp_path / "a.mlpk"), str(tmp_path / "b.mlpk")
    mine = mlpk.callbacks.checkpoint(path, every_steps=3)
    assert Callbacks([mine], progress=False, checkpoint=path).listed == [mine]
    both = Callbacks([mine], progress=False, checkpoint=other).listed
    assert [c.path for c in both] == [path, other]


def test_the_end_is_told_also_of_a_run_that_fails(fit, net, digits):
    told = []

    class Trouble(Teller):
        @hookimpl
        def mlpk_batch_end(self, fit):
            raise RuntimeError("no more paper")

    with pytest.raises(RuntimeError, match="no more paper"):
        fit(net(), *digits, callbacks=[Trouble("a", told)])
    assert told == ["a begins", "a ends"]


def test_state_is_kept_under_the_kind_numbered_where_it_stands_twice():
    told = []

    class Unnamed(Keeper):
        kind = "data"  # a name that the checkpoint itself uses

    class NoKind:
        @hookimpl
        def mlpk_fit_end(self, fit):
            pass

        def state(self):
            return {}

        def restore(self, state):
            pass

    given = [Keeper("a", told), Teller("b", told), Keeper("c", told), Unnamed("d", told), NoKind()]
    found = dict(Callbacks(given, progress=False, checkpoint=None).stateful())
    assert list(found) == ["keeper", "keeper_1", "data_1", "NoKind"]
    assert list(found.values()) == [given[0], given[2], given[3], given[4]]


class Unmarked:
    def mlpk_epoch_end(self, fit):
        pass


class Misspelt:
    @hookimpl
    def mlpk_epoch_ends(self, fit):
        pass


class Greedy:
    @hookimpl
    def mlpk_epoch_end(self, fit, logs):
        pass


class Without:
    pass


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            [Unmarked()],
            r"^callbacks\[0\].mlpk_epoch_end: is not marked as a hook: put @mlpk.hookimpl",
        ),
        ([Misspelt()], r"^callbacks\[0\].mlpk_epoch_ends: .* Did you mean 'mlpk_epoch_end'\?"),
        ([Greedy()], r"^callbacks\[0\].mlpk_epoch_end: .* this one wants fit, logs"),
        ([Keeper("a", []), Without()], r"^callbacks\[1\]: wanted an object with hooks"),
        ([Keeper], r"^callbacks\[0\]: found the class Keeper; call it to make an object of it"),
        ([dict], r"^callbacks\[0\]: wanted an object with hooks .* found the class dict"),
        (
            [mlpk.callbacks.early_stopping],
            r"^callbacks\[0\]: found the class EarlyStopping; .*: early_stopping\(...\)$",
        ),
        (Keeper("a", []), r"^callbacks: wanted a list of objects"),
        ("early_stopping", r"^callbacks: wanted a list of objects"),
        ([Keeper("a", [])] * 2, r"^callbacks\[1\]: this object is listed twice"),
    ],
)
def test_what_would_never_be_called_is_refused(given, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Callbacks(given, progress=False, checkpoint=None)


def test_a_wrong_progress_is_called_so():
    with pytest.raises(ConfigError, match=r"^progress: wanted an object with hooks .*'bar'"):
        Callbacks([], progress="bar", checkpoint=None)


@pytest.mark.parametrize("progress", [0, 1, 1.0])
def test_progress_is_no_number(progress):
    with pytest.raises(
        ConfigError, match=r"^progress: wanted True or False, or a callback .* found"
    ):
        Callbacks([], progress=progress, checkpoint=None)


@pytest.mark.parametrize("progress", [False, np.False_, None])
def test_silence_has_three_names(progress):
    assert Callbacks([], progress=progress, checkpoint=None).listed == []


def test_of_two_that_set_the_weights_at_the_end_one_is_refused():
    class Setter(Keeper):
        sets_weights = True

    one, other = Setter("a", []), Setter("b", [])
    assert Callbacks([Keeper("c", []), one], progress=False, checkpoint=None).listed[1] is one
    with pytest.raises(
        ConfigError, match=r"^callbacks\[2\]: keeper puts weights .* callbacks\[0\];"
    ):
        Callbacks([one, Keeper("c", []), other], progress=False, checkpoint=None)
    other.sets_weights = False
    assert len(Callbacks([one, other], progress=False, checkpoint=None).listed) == 2


def test_random_numbers_depend_on_seed_name_step_and_hook():
    drawn = {}

    class Drawer:
        @hookimpl
        def mlpk_batch_end(self, fit):
            for name in ("a", "b"):
                drawn[fit.seed, "batch", fit.step, name] = fit.rng(name).random()

        @hookimpl
        def mlpk_epoch_end(self, fit):
            drawn[fit.seed, "epoch", fit.step, "a"] = fit.rng("a").random()
            drawn[fit.seed, "epoch", fit.step, "a again"] = fit.rng("a").random()

    def run(seed, batches):
        model = mlpk.Model([{"kind": "dense", "units": 1}], input_shape=(1,), seed=0)
        x = np.ones((batches, 1))
        model.fit(
            x,
            x,
            loss="mean_squared_error",
            optimizer="sgd",
            batch_size=1,
            callbacks=[Drawer()],
            progress=False,
            seed=seed,
        )

    run(3, 2)
    first = dict(drawn)
    assert len(first) == 2 * 2 + 2
    run(4, 2)
    assert len(set(drawn.values())) == len(drawn) == 12
    drawn.clear()
    run(3, 2)
    assert drawn == first
