"""A place to write to is looked at before hours of work depend on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlpk import FileAccessError
from mlpk.file.replacement import check_target


def test_a_file_in_a_folder_that_is_there_will_do(tmp_path: Path) -> None:
    check_target(str(tmp_path / "a.mlpk"))
    (tmp_path / "a.mlpk").write_text("")
    check_target(str(tmp_path / "a.mlpk"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mlpk"]


def test_others_will_not(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="wanted a regular file to write, found a folder"):
        check_target(str(tmp_path))
    with pytest.raises(FileAccessError, match=r"there is no folder .*nowhere; make it"):
        check_target(str(tmp_path / "nowhere" / "a.mlpk"))
