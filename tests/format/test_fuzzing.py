"""The fuzz targets, for as long as a test may take: with atheris where it is, without it elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import fuzzing
import pytest

HERE = Path(__file__).parent
RANDOM = Random(0)  # noqa: S311 - nothing secret


@pytest.mark.parametrize("seconds", [5, pytest.param(120, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("script", ["fuzz_bytes.py", "fuzz_headers.py"])
def test_nothing_is_found(script: str, seconds: int, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-W",
        "error",
        str(HERE / script),
        f"-max_total_time={seconds}",
        "-seed=1",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, env=os.environ
    )
    said = done.stderr + done.stdout  # where atheris tells of the exception
    assert done.returncode == 0, said[-4000:]
    (count,) = re.findall(r"Done (\d+) runs in", said)
    assert int(count) > 100
    assert list(tmp_path.iterdir()) == []


def test_what_is_found_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def target(data: bytes) -> None:
        assert b"\xc1" not in data

    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError):
        fuzzing.search(target, [bytes(64)], 60, RANDOM)
    assert b"\xc1" in (tmp_path / "crash").read_bytes()


def test_a_search_ends_in_time() -> None:
    found: list[bytes] = []
    assert fuzzing.search(found.append, [b"abc", b""], 0.05, RANDOM) == len(found) > 0
    assert len(set(found)) > 10
