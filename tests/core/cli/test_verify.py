"""mlpk verify and mlpk id: whether a file is whole, and which one it is."""

from __future__ import annotations

from pathlib import Path

import pytest

import mlpk


def test_a_whole_file_passes(run, trained: Path) -> None:
    result = run("verify", trained)
    digest = run("id", trained).stdout.strip()
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{trained}: ok, {digest}\n"


def test_the_digest_is_what_load_expects(run, trained: Path) -> None:
    result = run("id", trained)
    assert (result.exit_code, result.stderr) == (0, "")
    assert mlpk.load(trained, expect=result.stdout.strip()).spec == mlpk.inspect(trained).spec


@pytest.mark.parametrize("place", [0, 20, 40, 100, -200, -1])
def test_one_flipped_bit_anywhere_fails(run, trained: Path, place: int) -> None:
    data = bytearray(trained.read_bytes())
    data[place] ^= 1
    trained.write_bytes(data)
    result = run("verify", trained)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {trained}: ")
    assert result.stderr.count("\n") == 1


def test_a_file_that_was_cut_or_is_another_fails(run, trained: Path) -> None:
    data = trained.read_bytes()
    for content in (data[:-64], data + b"\0", b"", b"hello"):
        trained.write_bytes(content)
        assert run("verify", trained).exit_code == 1


def test_an_absent_file_is_wrong_use(run, tmp_path: Path) -> None:
    for command in ("verify", "id"):
        result = run(command, tmp_path / "absent.mlpk")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "absent.mlpk: cannot be opened" in result.stderr
