"""What could not be taken up again is refused before the first step."""

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, DataError, hookimpl


class Steps:
    """Fails the test at the first step."""

    @hookimpl
    def mlpk_batch_end(self, fit):
        raise AssertionError("no step was to be made")


class Keeps:
    """Keeps whatever it is given."""

    def __init__(self, kept):
        self.kept = kept

    @hookimpl
    def mlpk_epoch_end(self, fit):
        pass

    def state(self):
        return {"kept": self.kept}

    def restore(self, state):
        self.kept = state["kept"]


class OnlyTells:
    @hookimpl
    def mlpk_epoch_end(self, fit):
        pass

    def state(self):
        return {}


class OnlyTakes:
    @hookimpl
    def mlpk_epoch_end(self, fit):
        pass

    def restore(self, state):
        pass


class Fails(Keeps):
    def state(self):
        raise RuntimeError("not yet")


def endless():
    """Return a list that holds itself."""
    found = []
    found.append(found)
    return found


class OddName(Keeps):
    kind = "odd/name"


@mlpk.define
class Ragged(mlpk.Metric):
    """A metric whose state is no array that a file could hold."""

    kind = "ragged"

    def start(self):
        return {"seen": np.array([None])}

    def update(self, state, prediction, target, weight):
        raise AssertionError("no step was to be made")

    def result(self, state):
        return 0.0


@pytest.fixture(params=["checkpoint=", "a callback"])
def start(request, net, fit, digits, tmp_path):
    """Return what starts a run that saves, in either of two ways, and must not get far."""
    path = tmp_path / "run.mlpk"

    def run(*callbacks, **more):
        if request.param == "checkpoint=":
            saving = {"checkpoint": path, "callbacks": [*callbacks, Steps()]}
        else:
            saving = {"callbacks": [*callbacks, Steps(), mlpk.callbacks.checkpoint(path)]}
        x, y = more.pop("data", digits)
        fit(more.pop("model", None) or net(), x, y, **{**saving, **more})

    yield run
    assert not path.exists()


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (
            Keeps(print),
            r"^callbacks.Keeps.state\['kept'\]: wanted None, .* found <built-in function print> .* back",
        ),
        (
            Keeps([1, {"rng": np.random.default_rng(0)}]),
            r"^callbacks.Keeps.state\['kept'\]\[1\]\['rng'\]: wanted None, .*\(Generator\); a chec",
        ),
        (
            Keeps(np.array([object()])),
            r"^callbacks.Keeps.state\['kept'\]: wanted an array of one of the dtypes",
        ),
        (
            OnlyTells(),
            r"^callbacks\[0\]: OnlyTells has state\(\) and no restore\(state\): .*; give it both",
        ),
        (OnlyTakes(), r"^callbacks\[0\]: OnlyTakes has restore and no state\(\)"),
        (
            Fails(0),
            r"^callbacks.Fails: state\(\) of this Fails failed with RuntimeError: not yet; it is ask",
        ),
        (
            Keeps(endless()),
            r"^callbacks.Keeps.state\['kept'\]: wanted at most 64 lists, tuples and dicts inside",
        ),
        (OddName(0), r"^callbacks\[0\].kind: wanted a name of ASCII letters, .* found 'odd/name'"),
    ],
    ids=["function", "object", "objects", "no restore", "no state", "fails", "cycle", "name"],
)
def test_a_callback_that_cannot_be_kept(start, callback, message):
    with pytest.raises(ConfigError, match=message):
        start(callback)


def test_the_same_callbacks_serve_where_nothing_is_saved(net, fit, digits):
    for callback in (Keeps(print), OnlyTells(), OnlyTakes(), Fails(0), OddName(0)):
        assert len(fit(net(), *digits, callbacks=[callback])) == 1


class Grows(Keeps):
    """Keeps what is made of the number of epochs."""

    def __init__(self, make):
        super().__init__(make(0))
        self.make = make

    @hookimpl
    def mlpk_epoch_end(self, fit):
        self.kept = self.make(fit.epoch)


@pytest.mark.parametrize(
    "make",
    [
        lambda epoch: [[step, 0.5] for step in range(70_000 * epoch)],
        lambda epoch: [None, *map(float, range(70_000 * epoch))],
        lambda epoch: [np.float64(step) for step in range(40_000 * epoch)],
        lambda epoch: {str(step): step for step in range(70_000 * epoch)},
        lambda epoch: "long" * (20_000 * epoch),
    ],
    ids=["pairs", "some missing", "scalars", "by step", "text"],
)
def test_what_grows_meets_no_limit(net, fit, digits, tmp_path, make):
    path = tmp_path / "run.mlpk"
    fit(net(), *digits, checkpoint=path, callbacks=[Grows(make)])
    again = Grows(make)
    fit(net(), *digits, checkpoint=path, resume=True, callbacks=[again])
    assert again.kept == make(1)
    assert type(again.kept) is type(make(1))


def test_a_limit_that_is_met_later_leaves_what_was_saved(net, fit, digits, tmp_path):
    class Names(Keeps):
        """Keeps more arrays of its own names than a file has room for, from the second epoch on."""

        @hookimpl
        def mlpk_epoch_end(self, fit):
            self.kept = fit.epoch

        def state(self):
            return {f"k{number}": np.zeros(1) for number in range(40_000 * (self.kept > 1))}

    path = tmp_path / "run.mlpk"
    model = net()
    with pytest.raises(ConfigError, match=r"wanted at most .* found .*; so the run cannot be saved "
                       r"at step 14: whatever was saved before stays as it was"):  # fmt: skip
        fit(model, *digits, checkpoint=path, callbacks=[Names(0)], epochs=3)
    assert mlpk.inspect(path).state.fit.epoch == 1
    assert mlpk.load(path).spec == model.spec
    assert model.predict(digits[0]).shape == (len(digits[0]), 10)
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.mlpk"]


def test_batches_without_a_place(start, digits):
    with pytest.raises(
        DataError, match=r"cannot tell: give arrays, a list of batches, or an object with state\(\)"
    ):
        start(data=(iter([digits]), None))


class Reader:
    """Batches that tell an open file as their place."""

    def __init__(self, batch):
        self.batch = batch

    def __iter__(self):
        return iter([self.batch])

    def state(self):
        return {"file": open}

    def restore(self, state):
        raise AssertionError("there is nothing to restore")


def test_batches_whose_place_cannot_be_written(start, digits):
    with pytest.raises(
        ConfigError, match=r"^data.state\['file'\]: wanted None, .* could not bring"
    ):
        start(data=(Reader(digits), None))


def test_an_optimizer_of_a_class_that_has_no_name(start):
    @mlpk.define
    class Mine(mlpk.Optimizer):
        kind = "mine"

        def update(self, param, grad, slots, step):
            raise AssertionError("no step was to be made")

    with pytest.raises(ConfigError, match="Mine: this class is not registered"):
        start(optimizer=Mine())


def test_an_optimizer_attached_elsewhere(start, net):
    elsewhere = mlpk.optimizers.adam().attach(net())
    with pytest.raises(ConfigError, match=r"^optimizer: is attached to another model; attach one"):
        start(optimizer=elsewhere)


@pytest.mark.usefixtures("own_catalog")
def test_a_metric_whose_state_is_no_array_of_numbers(start):
    mlpk.plugins.add(Ragged)
    with pytest.raises(
        ConfigError, match=r"^running\['measures.ragged.seen'\]: wanted an array of"
    ):
        start(metrics=["ragged"])


@pytest.mark.parametrize("given", ["yes", 1, None])
def test_resume_is_true_or_false(net, fit, digits, tmp_path, given):
    with pytest.raises(ConfigError, match=r"^resume: wanted true or false, found"):
        fit(net(), *digits, checkpoint=tmp_path / "run.mlpk", resume=given)


def test_resume_without_a_file_to_resume_from(net, fit, digits):
    with pytest.raises(ConfigError, match=r"^resume: wants checkpoint= too"):
        fit(net(), *digits, resume=True)


class TestResuming:
    """A file that holds something else than this run keeps is refused before anything changes."""

    def test_a_callback_that_cannot_take_its_state(self, net, fit, digits, tmp_path):
        class Changed(Keeps):
            kind = "keeps"

            def restore(self, state):
                raise KeyError("new")

        class First(Keeps):
            kind = "keeps"

        path = tmp_path / "run.mlpk"
        fit(net(), *digits, checkpoint=path, callbacks=[First(1)])
        message = (
            r"^callbacks.keeps: this Changed cannot go on from the state in the checkpoint: KeyErr"
        )
        with pytest.raises(ConfigError, match=message):
            fit(net(), *digits, checkpoint=path, callbacks=[Changed(1)], resume=True, epochs=2)

    def test_another_number_of_batches(self, net, fit, digits, tmp_path):
        x, y = digits
        path = tmp_path / "run.mlpk"
        batches = [(x[start : start + 20], y[start : start + 20]) for start in (0, 20, 40)]
        fit(net(), batches, checkpoint=path)
        with pytest.raises(
            ConfigError, match=r"^fit.batches: the run in .* had 3 .*, this one has 2"
        ):
            fit(net(), batches[:2], checkpoint=path, resume=True, epochs=2)


class TestRate:
    """The factor of the learning rate is a number of Python's own, so that float32 stays that."""

    @pytest.mark.parametrize("factor", [np.float64(0.5), np.float32(0.5), 1, 0])
    def test_numbers(self, net, fit, digits, factor):
        seen = []

        class Sets:
            @hookimpl
            def mlpk_batch_end(self, fit):
                fit.lr_factor = factor
                seen.append((type(fit.lr_factor), fit.lr_factor))

        fit(net(), *digits, callbacks=[Sets()])
        assert set(seen) == {(float, float(factor))}

    @pytest.mark.parametrize("factor", [-0.1, np.nan, np.inf, "half", True, None, np.ones(2)])
    def test_anything_else(self, net, fit, digits, factor):
        class Sets:
            @hookimpl
            def mlpk_batch_end(self, fit):
                fit.lr_factor = factor

        with pytest.raises(ConfigError, match=r"^fit.lr_factor: wanted a number >= 0, found"):
            fit(net(), *digits, callbacks=[Sets()])
