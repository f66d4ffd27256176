"""A place to write to is looked at before hours of work depend on it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mlpk
from mlpk import ConfigError, FileAccessError, Model
from mlpk.errors import shown
from mlpk.file.replacement import check_target


class Undecided:
    """A path that turns out to be one of bytes."""

    def __fspath__(self) -> bytes:
        return b"a.mlpk"


def test_a_file_in_a_folder_that_is_there_will_do(tmp_path: Path) -> None:
    check_target(str(tmp_path / "a.mlpk"))
    (tmp_path / "a.mlpk").write_text("")
    check_target(str(tmp_path / "a.mlpk"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mlpk"]


@pytest.mark.parametrize("path", [None, 3, b"a.mlpk", io.BytesIO(), Undecided()])
def test_what_is_no_path_is_refused_everywhere(model: Model, path: Any) -> None:
    ways: list[Callable[[Any], Any]] = [
        mlpk.load, mlpk.inspect, mlpk.load_arrays, model.save, model.load_params
    ]  # fmt: skip
    for way in ways:
        with pytest.raises(ConfigError) as caught:
            way(path)
        assert caught.value.where == "path"
        problem = f"wanted a path as text or a pathlib.Path, found {shown(path)}"
        assert caught.value.problem.startswith(problem)
        assert ("loads takes the bytes" in caught.value.problem) == isinstance(path, bytes)


def test_others_will_not(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="wanted a regular file to write, found a folder"):
        check_target(str(tmp_path))
    with pytest.raises(FileAccessError, match=r"there is no folder .*nowhere; make it"):
        check_target(str(tmp_path / "nowhere" / "a.mlpk"))
