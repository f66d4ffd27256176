"""mlpk verify and mlpk id: whether a file is whole, and which one it is."""

from __future__ import annotations

from pathlib import Path

import pytest

import mlpk
from mlpk.file import reader, verification


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


def test_the_digest_is_what_the_file_states_and_its_help_says_so(run, trained: Path) -> None:
    digest = run("id", trained).stdout
    data = bytearray(trained.read_bytes())
    data[-1] ^= 1
    trained.write_bytes(data)
    assert run("id", trained).stdout == digest
    told = " ".join(run("id", "--help").stdout.split())
    assert "as the file states it; `mlpk verify` compares it with the bytes." in told


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


def test_several_files_are_checked_at_once(run, trained: Path) -> None:
    whole, damaged = trained.with_name("whole.mlpk"), trained.with_name("damaged.mlpk")
    data = trained.read_bytes()
    whole.write_bytes(data)
    damaged.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    digest = run("id", trained).stdout.strip()
    result = run("verify", trained, damaged, whole)
    assert result.exit_code == 1
    assert result.stdout == f"{trained}: ok, {digest}\n{whole}: ok, {digest}\n"
    assert result.stderr.startswith(f"Error: {damaged}: ")
    result = run("verify", damaged, trained.with_name("absent.mlpk"), damaged)
    assert result.exit_code == 2
    assert result.stderr.count(f"Error: {damaged}: ") == 2
    assert "absent.mlpk: cannot be opened" in result.stderr
    assert run("verify").exit_code == 2


def test_large_and_many_tensors_are_read_in_groups(
    run, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[list[str]] = []
    whole = reader.read_arrays
    monkeypatch.setattr(verification, "GROUP", 5000)
    monkeypatch.setattr(
        reader,
        "read_arrays",
        lambda *given, names, **more: read.append(names) or whole(*given, names=names, **more),
    )
    assert run("verify", trained).exit_code == 0
    table = mlpk.inspect(trained).tensors
    assert [name for group in read for name in group] == list(table)
    assert len(read) > 1
    for group in read:
        assert len(group) == 1 or sum(table[name].nbytes for name in group) <= 5000
