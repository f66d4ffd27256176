import re

import pytest

pytest.importorskip("numba")

import mlpk_numba

ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \|.*\|$", re.MULTILINE)


@pytest.fixture
def page(project):
    return (project / "README.md").read_text(encoding="utf-8")


def test_python_on_the_page_runs(page, capsys):
    code = (
        page.partition("```python\n")[2].partition("```")[0].replace("=32)", "=32, progress=False)")
    )
    exec(compile(code, "README.md", "exec"), {})
    faster, plain = map(float, capsys.readouterr().out.split())
    assert faster == plain > 0.9


def test_the_table_names_what_is_implemented(page):
    table = page.partition("| kind |")[2].partition("\n\n")[0]
    named = [kind for kinds in ROW.findall(table) for kind in re.findall(r"\w+", kinds)]
    assert sorted(named) == sorted(each.kind for each in mlpk_numba.mlpk_implementations())
