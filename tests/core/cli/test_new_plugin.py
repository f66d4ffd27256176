"""mlpk new-plugin: a project, and what to do next. That it works is tested with contrib."""

from __future__ import annotations

from pathlib import Path

import pytest


def test_it_says_what_it_wrote_and_what_comes_next(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("new-plugin", "Mlpk_Swish")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "mlpk-swish: the plugin mlpk-swish with the layer 'swish'.\n"
        "Its formula stands in mlpk_swish/swish.py. Next:\n"
        "\n"
        "    cd mlpk-swish\n"
        '    python -m pip install -e ".[test]" && python -m pytest\n'
        "    mlpk check mlpk-swish\n"
    )
    assert (tmp_path / "mlpk-swish" / "pyproject.toml").is_file()


def test_place_family_and_kind_may_be_said(run, tmp_path: Path) -> None:
    place = tmp_path / "my plugins"
    place.mkdir()
    options = ["--family", "losses", "--kind", "fourth_power", "--path", place]
    result = run("new-plugin", "acme-gates", *options)
    assert result.exit_code == 0
    assert "with the loss 'fourth_power'." in result.stdout
    assert f"    cd '{place}/acme-gates'\n" in result.stdout
    module = place / "acme-gates" / "acme_gates" / "fourth_power.py"
    assert "class FourthPower(Loss):" in module.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mlpk-relu"], "Error: NAME: mlpk has a layer 'relu' itself"),
        (["mlpk-swish", "--kind", "Swish"], "Error: --kind: wanted a kind in snake_case"),
        (["mlpk-swish", "--family", "gates"], "'gates' is not one of 'layers'"),
        (["mlpk-swish", "--path", "nowhere"], "cannot be written: No such file or directory"),
        ([], "Missing argument 'NAME'"),
    ],
)
def test_wrong_use_writes_nothing(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("new-plugin", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_kept(run, tmp_path: Path) -> None:
    mine = tmp_path / "mlpk-swish" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    result = run("new-plugin", "mlpk-swish", "--path", tmp_path)
    assert result.exit_code == 2
    assert "is there already" in result.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]
