from __future__ import annotations

import inspect
import pickle
from typing import Any

import pytest

import mlpk
from mlpk import errors
from mlpk.errors import (
    ConfigError,
    DataError,
    DivergedError,
    FileAccessError,
    FileFormatError,
    GraphError,
    MissingPluginError,
    MlpkError,
    PluginError,
    PluginWarning,
    ShapeError,
    UnknownArrayError,
    UnknownKindError,
    listing,
)
from mlpk.training import History

EXAMPLES: list[tuple[MlpkError, tuple[type[Exception], ...], dict[str, Any]]] = [
    (ConfigError("a.b", "is wrong"), (ValueError,), {"where": "a.b", "problem": "is wrong"}),
    (ShapeError("is wrong", "node 'a'"), (ValueError,), {"where": "node 'a'"}),
    (ShapeError("is wrong"), (ValueError,), {"where": ""}),
    (GraphError("is wrong"), (ValueError,), {}),
    (DataError("is wrong", 3), (ValueError,), {"row": 3}),
    (DataError("is wrong"), (ValueError,), {"row": None}),
    (DivergedError("is wrong"), (ArithmeticError,), {"history": None}),
    (UnknownArrayError("is wrong"), (KeyError,), {}),
    (
        UnknownKindError("layers", "a", "is wrong"),
        (KeyError, AttributeError),
        {"family": "layers", "name": "a"},
    ),
    (PluginError("is wrong", "acme"), (RuntimeError,), {"dist": "acme"}),
    (
        MissingPluginError([("acme:a", "acme", "1"), ("b", "", "")]),
        (PluginError, RuntimeError),
        {"kinds": (("acme:a", "acme", "1"), ("b", "", ""))},
    ),
    (
        FileFormatError("is wrong", path="a.mlpk", field="spec", offset=64),
        (ValueError,),
        {"path": "a.mlpk", "field": "spec", "offset": 64, "problem": "is wrong"},
    ),
    (FileFormatError("is wrong"), (ValueError,), {"path": None, "field": None, "offset": None}),
    (
        FileAccessError("a.mlpk: is wrong", "a.mlpk", 2),
        (OSError,),
        {"path": "a.mlpk", "errno": 2},
    ),
]
NAMES = [type(error).__name__ for error, _, _ in EXAMPLES]


@pytest.mark.parametrize(("error", "builtins", "culprits"), EXAMPLES, ids=NAMES)
class TestEach:
    """What holds for each of them."""

    def test_it_is_caught_as_mlpk_s_and_as_the_builtin(
        self, error: MlpkError, builtins: Any, culprits: Any
    ) -> None:
        del culprits
        assert isinstance(error, MlpkError)
        for builtin in builtins:
            assert isinstance(error, builtin)

    def test_it_says_a_plain_sentence(self, error: MlpkError, builtins: Any, culprits: Any) -> None:
        del builtins, culprits
        assert str(error) == error.args[0]
        assert not str(error).startswith(("'", '"', "("))
        assert "is wrong" in str(error) or "not active here" in str(error)

    def test_it_carries_the_culprits(
        self, error: MlpkError, builtins: Any, culprits: dict[str, Any]
    ) -> None:
        del builtins
        assert {name: getattr(error, name) for name in culprits} == culprits

    def test_it_travels_between_processes(
        self, error: MlpkError, builtins: Any, culprits: dict[str, Any]
    ) -> None:
        del builtins
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert {name: getattr(again, name) for name in culprits} == culprits


def test_no_error_was_forgotten() -> None:
    every = {
        name
        for name, thing in vars(errors).items()
        if inspect.isclass(thing) and issubclass(thing, MlpkError) and thing is not MlpkError
    }
    assert set(NAMES) == every
    for name in every:
        assert getattr(mlpk, name) is getattr(errors, name)
        assert name in mlpk.__all__


def test_a_place_is_said_where_there_is_one() -> None:
    assert str(ShapeError("wanted 3, found 4", "node 'a'")) == "node 'a': wanted 3, found 4"
    assert str(ShapeError("wanted 3, found 4")) == "wanted 3, found 4"
    error = FileFormatError("is damaged", path="a.mlpk", field="spec", offset=64)
    assert str(error) == "a.mlpk: is damaged (at field spec, byte 64)"
    assert str(FileFormatError("is damaged", offset=0)) == "is damaged (at byte 0)"
    assert str(FileFormatError("is damaged", field="pad")) == "is damaged (at field pad)"


def test_missing_kinds_are_counted_listed_and_cut() -> None:
    one = MissingPluginError([("acme:gate", "acme", "1.0")])
    assert str(one) == (
        "1 kind of this file is not active here: 'acme:gate' (the file claims: 'acme 1.0'). Install "
        "only what you know and trust, or load with missing='opaque' to look at the rest."
    )
    two = MissingPluginError([("acme:gate", "acme", "1.0"), ("_local:b", "_local", "")])
    assert str(two).startswith("2 kinds of this file are not active here: 'acme:gate' (the file")
    assert "'_local:b' (the file claims: '_local')" in str(two)
    of_file = pickle.loads(pickle.dumps(MissingPluginError(two.kinds, path="a.mlpk")))
    assert str(of_file).startswith("a.mlpk: 2 kinds of this file are not active here: 'acme:gate'")
    assert of_file.path == "a.mlpk"
    hostile = MissingPluginError([("\x1b[31m" + "a" * 999, "b" * 999, "\n")])
    assert str(hostile).isprintable()
    assert len(str(hostile)) < 400


def test_a_diverged_run_keeps_its_history() -> None:
    history = History()
    error = DivergedError("diverged", history)
    assert error.history is history


def test_a_broken_plugin_is_a_warning_of_the_user_s() -> None:
    assert issubclass(PluginWarning, UserWarning)
    assert mlpk.plugins.PluginWarning is PluginWarning


def test_a_listing_is_sorted_and_says_how_many_are_left_out() -> None:
    assert listing(["b", "a"]) == "a, b"
    assert listing([]) == "none"
    assert listing("edcba", 3) == "a, b, c and 2 more"
    assert listing("cba", 3) == "a, b, c"
