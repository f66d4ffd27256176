"""The user's texts in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mlpk
from mlpk import ConfigError, FileAccessError, Model
from mlpk.file import model_file


def test_they_are_kept_on_saving_again(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "a.mlpk"
    model.save(path, meta={"classes": "0 1", "author": "é"})
    assert model.meta == {"classes": "0 1", "author": "é"}
    again = mlpk.load(path)
    again.save(path)
    assert mlpk.load(path).meta == {"classes": "0 1", "author": "é"}
    again.save(path, meta={"b": ""})
    assert mlpk.inspect(path).meta == {"b": ""}
    again.save(path, meta={})
    assert mlpk.load(path).meta == {}


def test_the_caller_s_dict_stays_the_caller_s(model: Model, tmp_path: Path) -> None:
    meta = {"a": "b"}
    model.save(tmp_path / "a.mlpk", meta=meta)
    meta["a"] = "c"
    assert model.meta == {"a": "b"}


@pytest.mark.parametrize(
    ("meta", "where"),
    [
        ({"a": 1}, "meta['a']"),
        ({1: "a"}, "meta[1]"),
        ({"a": None}, "meta['a']"),
        ({"a": b"b"}, "meta['a']"),
        ({"a": "\ud800"}, "meta.a"),
        ({"\ud800": "a"}, "meta"),
        ("a", "meta"),
        ([("a", "b")], "meta"),
        ({str(i): "" for i in range(257)}, "meta"),
        ({"a": "x" * 2**16}, "meta"),
        ({"a": "é" * 2**15}, "meta"),
    ],
)
def test_what_a_file_cannot_hold_is_refused_at_once(
    model: Model, tmp_path: Path, meta: Any, where: str
) -> None:
    model.meta = {"kept": "yes"}
    with pytest.raises(ConfigError) as caught:
        model.save(tmp_path / "a.mlpk", meta=meta)
    assert caught.value.where == where
    assert model.meta == {"kept": "yes"}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("write", [lambda model, _: mlpk.dumps(model), Model.save])
def test_what_was_set_is_refused_in_the_same_words(
    model: Model, tmp_path: Path, write: Any
) -> None:
    model.meta = {"a": 1}  # type: ignore[dict-item] # that is the point
    with pytest.raises(ConfigError) as caught:
        write(model, tmp_path / "a.mlpk")
    assert str(caught.value) == "meta['a']: wanted text, found 1 (int)"
    assert not list(tmp_path.iterdir())


def test_the_limits_themselves_are_allowed() -> None:
    for meta in ({str(i): "" for i in range(256)}, {"a": "x" * (2**16 - 1)}):
        assert model_file.checked_meta(meta) == meta


def test_they_stay_as_they_were_when_saving_fails(model: Model, tmp_path: Path) -> None:
    model.meta = {"kept": "yes"}
    with pytest.raises(FileAccessError):
        model.save(tmp_path / "nowhere" / "a.mlpk", meta={"a": "b"})
    assert model.meta == {"kept": "yes"}
