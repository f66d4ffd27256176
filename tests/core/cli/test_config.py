"""Reading configurations, and changing them from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlpk.cli.config import read_config
from mlpk.errors import ConfigError, FileAccessError


@pytest.mark.parametrize(
    ("change", "place", "value"),
    [
        ("seed=7", "seed", 7),
        ("fit.epochs=3", "fit.epochs", 3),
        ("fit.epochs = 3", "fit.epochs", 3),
        ("fit.shuffle=false", "fit.shuffle", False),
        ("fit.loss=cross_entropy", "fit.loss", "cross_entropy"),
        ('fit.loss="cross_entropy"', "fit.loss", "cross_entropy"),
        ("fit.optimizer.lr=1e-2", "fit.optimizer", {"kind": "adam", "lr": 0.01}),
        ('fit.optimizer={kind="sgd", lr=1}', "fit.optimizer", {"kind": "sgd", "lr": 1}),
        ("fit.metrics=[]", "fit.metrics", ()),
        ("fit.lr_factors.head=0.5", "fit.lr_factors", {"head": 0.5}),
        ("data.name=a=b", "data.name", "a=b"),
        ("data.name=", "data.name", ""),
        ("data.name=3\nseed = 4", "data.name", "3\nseed = 4"),
    ],
)
def test_set_changes_one_value(write, change: str, place: str, value: object) -> None:
    found: object = read_config(str(write()), [change])
    for step in place.split("."):
        found = getattr(found, step)
    assert found == value
    assert type(found) is type(value)


def test_set_reaches_into_lists_as_errors_name_them(write) -> None:
    changes = ["model.layers[1].units=5", "model.layers.3.units=6", "model.input_shape[0]=9"]
    model = read_config(str(write()), changes).model
    assert model.layers[1]["units"] == 5
    assert model.layers[3]["units"] == 6
    assert model.input_shape == (9, 8, 1)


def test_later_changes_win(write) -> None:
    assert read_config(str(write()), ["fit.epochs=3", "fit.epochs=4"]).fit.epochs == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("fit.epochs", "--set: wanted KEY=VALUE"),
        ("=3", "--set: wanted KEY=VALUE"),
        ("fit..epochs=3", "--set: wanted KEY=VALUE"),
        ("fit.loss.kind=x", "--set fit.loss: wanted a table, found 'softmax_cross_entropy'"),
        ("model.layers[4]=x", "--set model.layers: wanted a place from 0 to 3, found '4'"),
        ("model.layers[x]=x", "--set model.layers: wanted a place from 0 to 3, found 'x'"),
        ("model.layers[0].kind=x", "--set model.layers.0: wanted a table, found 'flatten'"),
        ("fit.epocs=3", "fit.epocs: there is no such field"),
        ("fit.epochs=three", "fit.epochs: wanted an integer, found 'three'"),
    ],
)
def test_a_wrong_change_is_refused(write, change: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(str(write()), [change])
    assert words in str(caught.value)


@pytest.mark.parametrize("content", [b"[fit", b"\xff\xfe", b"a = 1\na = 2", b"a = " + b"[" * 5000])
def test_what_is_no_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"run\.toml: wanted a configuration in TOML"):
        read_config(str(path), [])


@pytest.mark.parametrize("content", ['{"seed": 0}', "seed: 0\n"])
def test_other_forms_are_not_read(tmp_path: Path, content: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"the one form that is read \(JSON and YAML are not\): "):
        read_config(str(path), [])


def test_a_model_in_the_place_of_a_configuration_is_told_so(
    run, write, trained: Path, tmp_path: Path
) -> None:
    sentence = f"Error: {trained}: wanted a configuration in TOML, found a .mlpk file; "
    swapped = run("evaluate", write(), trained)
    assert swapped.exit_code == 2
    assert swapped.stderr.startswith(sentence)
    assert swapped.stderr.endswith(" evaluate` takes MODEL.mlpk CONFIG.toml, in this order\n")
    result = run("train", trained, "-o", tmp_path / "out.mlpk")
    assert result.stderr.endswith(" train` takes CONFIG.toml\n")
    with pytest.raises(ConfigError, match=r"found a .mlpk file$"):
        read_config(str(trained), [])


def test_a_byte_order_mark_is_no_part_of_a_configuration(write) -> None:
    path = write()
    plain = read_config(str(path), [])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_config(str(path), []) == plain


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match=r"absent\.toml: the configuration cannot be read"):
        read_config(str(tmp_path / "absent.toml"), [])
