"""A file that needs what is not active says all of it at once, and why."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

LOAD = """
    import json, warnings, mlpk
    warnings.simplefilter("ignore")
    try:
        mlpk.load({path!r})
    except mlpk.MissingPluginError as error:
        print(json.dumps([error.kinds, error.reasons, str(error)]))
    opaque = mlpk.load({path!r}, missing="opaque")
    assert mlpk.dumps(opaque) == open({path!r}, "rb").read()
"""
AWAY = {"MLPK_PLUGINS_BLOCK": "zoo-good-gates", "ZOO_MOOD": "bad"}


@pytest.fixture(scope="module")
def saved(zoo: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file that needs three distributions, and a kind of its program's own."""
    path = tmp_path_factory.mktemp("saved") / "birds.mlpk"
    zoo.run(
        f"""
        import warnings, mlpk, zoo_good
        warnings.simplefilter("ignore")

        @mlpk.define
        class Kiwi(zoo_good.Tern0):
            kind = "kiwi"

        mlpk.plugins.add(Kiwi)
        mlpk.Model(["tern", "gull", "nuthatch", "kiwi"], input_shape=(3,)).save({str(path)!r})
        """
    )
    return path


def test_all_that_is_missing_is_told_with_claims_and_reasons(zoo: Any, saved: Path) -> None:
    kinds, reasons, text = json.loads(zoo.run(LOAD.format(path=str(saved)), **AWAY))
    assert kinds == [
        ["zoo-good-gates:tern", "zoo-good-gates", "2.1"],
        ["zoo-moody:nuthatch", "zoo-moody", "1.0"],
        ["_local:kiwi", "_local", ""],
    ]
    assert reasons == {
        "zoo-good-gates:tern": "zoo-good-gates 2.1 is blocked: kept out by MLPK_PLUGINS_BLOCK",
        "zoo-moody:nuthatch": "zoo-moody 1.0 failed to load: ImportError: not today (zoo_moody.py, line 4)",
    }
    many = "3 kinds of this file are not active here: 'zoo-good-gates:tern' (the "
    assert text.startswith(f"{saved}: {many}")
    assert "pip install" not in text


def test_the_doctor_says_the_same(zoo: Any, saved: Path) -> None:
    done = subprocess.run(
        [zoo.python, "-m", "mlpk", "doctor", str(saved), "--json"],
        env=AWAY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    remarks = {kind["id"]: kind["remark"] for kind in json.loads(done.stdout)["kinds"]}
    assert remarks == {
        "zoo-good-gates:tern": "zoo-good-gates 2.1 is blocked: kept out by MLPK_PLUGINS_BLOCK",
        "zoo-several:gull": None,
        "zoo-moody:nuthatch": "zoo-moody 1.0 failed to load: ImportError: not today (zoo_moody.py, line 4)",
        "_local:kiwi": "was added in the program that saved it",
    }
