import re

import attrs
import mlpk
import numpy as np
import pytest

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(\w+)` \| .* \| (.*) \|$", re.MULTILINE)


@pytest.fixture
def page(project):
    return (project / "README.md").read_text(encoding="utf-8")


def test_python_on_the_page_runs(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    blocks = BLOCK.findall(page)
    assert len(blocks) == 2
    for code in blocks:
        exec(compile(code, "README.md", "exec"), names)
    assert "[[9 5 1 4 1 3]]" in capsys.readouterr().out
    reverse = mlpk.load(tmp_path / "reverse.mlpk")
    x = np.random.default_rng(1).integers(10, size=(500, 6))
    assert (reverse.predict(x).argmax(axis=-1) == x[:, ::-1]).mean() > 0.95
    assert names["model"].graph.outputs == ("dense",)


def test_the_table_names_every_kind_and_field(page):
    mine = {
        name: mlpk.layers[name]
        for name in mlpk.layers
        if "attention" in mlpk.layers[name].__module__
    }
    rows = dict(ROW.findall(page))
    assert rows.keys() == mine.keys()
    for name, cls in mine.items():
        wanted = [
            f"`{field.name}`"
            if field.default is attrs.NOTHING
            else f"`{field.name}={field.default!r}`"
            for field in attrs.fields(cls)
        ]
        assert rows[name] == ", ".join(wanted)
