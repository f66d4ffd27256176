"""Errors that a file provokes: they name it, and what it says is escaped and cut."""

from __future__ import annotations

import pytest

from mlpk.errors import ConfigError, FileAccessError, FileFormatError, shown
from mlpk.file.refusal import escaped, refusal


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("dense/bias", "dense/bias"),
        ("\x1b[2J\n", "\\x1b[2J\\n"),
        ("é\ud800", "\\xe9\\ud800"),
        ('"it\'s"', '"it\'s"'),
        ("\\x1b", "\\x1b"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 77 + "..."),
        ("x" * 10**6, "x" * 77 + "..."),
        ("é" * 20, "\\xe9" * 20),
        ("é" * 21, "\\xe9" * 19 + "\\..."),
    ],
)
def test_text_from_a_file_is_escaped_and_cut(text, safe):
    assert escaped(text) == safe


def refused(error, path="a.mlpk"):
    with pytest.raises(FileFormatError) as caught, refusal(path):
        raise error
    assert caught.value.path == path
    return caught.value


def test_a_refusal_gets_the_files_path():
    error = refused(FileFormatError("no", field="spec", offset=64))
    assert str(error) == "a.mlpk: no (at field spec, byte 64)"


def test_a_wrong_field_becomes_a_refusal():
    error = refused(ConfigError("meta.\n", "wanted\x07"))
    assert (error.field, error.problem) == ("meta.\\n", "wanted\\x07")
    assert refused(ConfigError("", "no")).field == "header"
    assert refused(ConfigError("", shown("\x1b"))).problem == r"'\x1b' (str)"
    assert len(refused(ConfigError("", "x" * 1000)).problem) == 320


@pytest.mark.parametrize("error", [MemoryError(), RecursionError()])
def test_a_lack_of_memory_becomes_a_refusal(error):
    assert refused(error).__cause__ is error


def test_the_systems_failures_and_our_own_mistakes_pass():
    for error in (FileAccessError("no", "a", 5), KeyError("a")):
        with pytest.raises(type(error)) as caught, refusal("a.mlpk"):
            raise error
        assert caught.value is error
