"""Callbacks by name and by mapping, and what is wrong with such a mapping."""

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError
from mlpk.calling import callback, called

STOPPING = {"kind": "early_stopping", "patience": 3, "monitor": "loss"}


def fitted(callbacks):
    model = mlpk.Model([{"kind": "dense", "units": 1}], input_shape=(1,), seed=0)
    x = np.ones((4, 1))
    return model.fit(
        x, x, loss="mean_squared_error", optimizer={"kind": "sgd", "lr": 0.0}, epochs=9,
        callbacks=callbacks, progress=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "given", [mlpk.callbacks.early_stopping(patience=3, monitor="loss"), STOPPING]
)
def test_an_instance_and_a_mapping_do_the_same(given):
    # Nothing is learnt at the rate 0, so that the first epoch is the best.
    assert len(fitted([given])) == 4


def test_a_name_takes_the_defaults():
    patience = mlpk.callbacks.early_stopping().patience
    assert callback("early_stopping", "callbacks[0]").patience == patience
    assert len(fitted(["early_stopping"])) == min(9, 1 + patience)


def test_the_mapping_stays_as_it_was_and_serves_again():
    given = dict(STOPPING)
    assert callback(given, "here") is not callback(given, "here")
    assert given == STOPPING


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({**STOPPING, "patience": 0}, r"^callbacks\[1\].patience: wanted 1 or more, found 0"),
        ({**STOPPING, "patienc": 3}, r"^callbacks\[1\].patienc: .*Did you mean 'patience'\?"),
        ({"patience": 3}, r"^callbacks\[1\]: wanted a name or a mapping"),
        ({"kind": 3}, r"^callbacks\[1\]: wanted a name or a mapping"),
        ({"kind": "checkpoint"}, r"^callbacks\[1\]: checkpoint takes path, every_steps"),
        ("early_stoping", r"^callbacks\[1\]: .*Did you mean 'early_stopping'\?"),
        ({"kind": "early_stoping"}, r"^callbacks\[1\]: .*Did you mean 'early_stopping'\?"),
    ],
    ids=str,
)
def test_what_is_wrong_names_its_place(given, sentence):
    with pytest.raises(ConfigError, match=sentence):
        fitted(["early_stopping", given])


@pytest.mark.parametrize("given", [STOPPING, "early_stopping", None])
def test_what_is_no_list_is_refused(given):
    with pytest.raises(ConfigError, match=r"^callbacks: wanted a list of objects"):
        fitted(given)


def test_errors_of_the_called_are_told_with_the_place():
    def picky(size):
        raise ValueError(f"cannot make {size}")

    with pytest.raises(ConfigError, match=r"^data: picky cannot take .* cannot make 3"):
        called(picky, "picky", {"size": 3}, "data")
    with pytest.raises(ConfigError, match=r"^data.sise: picky takes size; .*'size'"):
        called(picky, "picky", {"sise": 3}, "data")
