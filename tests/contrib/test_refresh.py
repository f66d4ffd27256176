"""What is installed while a program runs, as in a notebook, is there after `refresh`."""

from __future__ import annotations

import json
import sys
from typing import Any

HEAD = """
    import json, os, subprocess, sys
    import mlpk

    def pip(*arguments):
        subprocess.run(
            [os.environ["OUTSIDE"], "-m", "pip", "--python", sys.executable, *arguments, "--quiet",
             "--disable-pip-version-check"],
            check=True,
        )

    def install(*arguments):
        pip("install", "--no-index", "--no-deps", "--no-build-isolation", *arguments)

    assert "heron" not in mlpk.layers
"""


def found(nest: Any, code: str) -> Any:
    """Return what a program prints that installs with the pip of the interpreter outside."""
    return json.loads(nest.run(HEAD + code, OUTSIDE=sys.executable))


def test_what_was_installed_is_found_in_whatever_way(nest: Any, plugin: Any) -> None:
    wheel = plugin(nest, "zoo-heron", "1.0", "zoo_heron", ["heron"])
    sources = plugin(nest, "zoo-egret", "1.0", "zoo_egret", ["egret"], editable=True)
    answer = found(
        nest,
        f"""
    install({str(wheel)!r})
    assert "heron" not in mlpk.layers
    mlpk.plugins.refresh()
    first = [record.dist for record in mlpk.plugins.records()], mlpk.layers.heron.kind
    install("-e", {str(sources)!r})
    mlpk.plugins.refresh()
    print(json.dumps([*first, mlpk.layers.egret.__module__, mlpk.layers.heron.kind]))
    """,
    )
    assert answer == [["mlpk", "zoo-heron"], "heron", "zoo_egret", "heron"]


def test_a_newer_release_of_what_is_in_use_waits_for_the_next_start(nest: Any, plugin: Any) -> None:
    one = plugin(nest, "zoo-heron", "1.0", "zoo_heron", ["heron"])
    two = plugin(nest, "zoo-heron", "2.0", "zoo_heron", ["heron", "bittern"])
    answer = found(
        nest,
        f"""
    install({str(one)!r})
    mlpk.plugins.refresh()
    held = mlpk.layers.heron
    install("--upgrade", {str(two)!r})
    record = mlpk.plugins.refresh()[-1]
    print(json.dumps([
        record.version, record.note, record.kinds, "bittern" in mlpk.layers,
        mlpk.layers.heron is held,
    ]))
    """,
    )
    note = "2.0 is installed now; start Python again to use it"
    assert answer == ["1.0", note, ["zoo-heron:heron"], False, True]
    later = nest.run(
        "import mlpk; print(mlpk.plugins.records()[-1].version, 'bittern' in mlpk.layers)"
    )
    assert later == "2.0 True\n"


def test_what_was_broken_is_tried_again_and_what_is_gone_is_gone(nest: Any, plugin: Any) -> None:
    broken = plugin(nest, "zoo-heron", "1.0", "zoo_heron", [], "import zoo_missing\n")
    mended = plugin(nest, "zoo-heron", "1.1", "zoo_heron", ["heron"])
    answer = found(
        nest,
        f"""
    import warnings
    warnings.simplefilter("ignore", mlpk.plugins.PluginWarning)
    install({str(broken)!r})
    seen = [mlpk.plugins.refresh()[-1].reason]
    install("--upgrade", {str(mended)!r})
    seen += [mlpk.plugins.refresh()[-1].version, mlpk.layers.heron.kind]
    pip("uninstall", "--yes", "zoo-heron")
    print(json.dumps([*seen, [record.dist for record in mlpk.plugins.refresh()]]))
    """,
    )
    problem = "ModuleNotFoundError: No module named 'zoo_missing' (zoo_heron.py, line 1)"
    assert answer == [problem, "1.1", "heron", ["mlpk"]]
