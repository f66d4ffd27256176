"""Failures that are declared, in pytest and outside of it."""

import os
import subprocess
import sys
from textwrap import dedent

import pytest

import mlpk
from mlpk import ConfigError
from mlpk.testing import cases

PLUGIN = """
    import numpy as np
    import mlpk

    class Negated(mlpk.Layer):
        def declare(self, x):
            return mlpk.Declaration(x)

        def forward(self, arrays, ctx, x):
            return np.negative(x, out=ctx.empty("y", x.shape)), None

        def backward(self, arrays, ctx, saved, doutput, grads):
            return np.negative(doutput, out=ctx.empty("dx", doutput.shape))

        @classmethod
        def examples(cls):
            yield mlpk.Example(cls(), (3,))
            yield mlpk.Example(cls(), (2, 3), linear=True)

    @mlpk.define
    class Right(Negated):
        kind = "right"

    @mlpk.define
    class Allocates(Negated):
        kind = "allocates"

        def forward(self, arrays, ctx, x):
            return -x, None

    mlpk.plugins.add(Right)
    mlpk.plugins.add(Allocates)
"""
ALL = {"allocates-memory_stays_steady": "forward makes its output anew"}
EACH = {
    "_local:allocates-0-memory_stays_steady": "forward makes its output anew",
    "allocates-1-memory_stays_steady": "so it does with two axes",
}
PASSES = {**ALL, "right-memory_stays_steady": "no reason at all"}
INAPPLICABLE = {**ALL, "right-0-adjoint_at_full_size": "not linear"}


@pytest.fixture
def brought(own_catalog):
    del own_catalog
    exec(dedent(PLUGIN), {})  # noqa: S102 - the plugin of these tests


@pytest.mark.usefixtures("brought")
@pytest.mark.parametrize("known", [ALL, EACH])
def test_a_known_failure_is_no_failure(known):
    outcomes = [case.outcome() for case in cases("_local", known)]
    told = {str(each.case): each.message for each in outcomes if each.state == "known"}
    assert told.keys() == {f"_local:allocates-{n}-memory_stays_steady" for n in (0, 1)}
    assert set(told.values()) == set(known.values())
    assert not [each for each in outcomes if each.state == "failed"]


@pytest.mark.usefixtures("brought")
def test_one_that_passes_or_does_not_apply_has_failed():
    for known, why in ((PASSES, "passes"), (INAPPLICABLE, "does not apply")):
        failed = [o for case in cases("_local", known) if (o := case.outcome()).state == "failed"]
        assert {each.case.kind for each in failed} == {"_local:right"}
        for outcome in failed:
            assert f"it {why}" in outcome.message
            assert outcome.message.endswith("take the declaration out")


@pytest.mark.usefixtures("brought")
@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"allocates-memory_stays_stedy": "x"}, "Did you mean 'allocates-memory_stays_steady'"),
        ({"memory_stays_steady": "x"}, "wanted 'kind-check' or 'kind-number-check'"),
        ({"allocates-2-memory_stays_steady": "x"}, "no case is called"),
        ({"allocates-memory_stays_steady": " "}, "wanted the reason why it fails"),
        ({"allocates-memory_stays_steady": None}, "wanted the reason why it fails"),
    ],
)
def test_names_and_reasons_are_checked(known, said):
    with pytest.raises(ConfigError, match="known") as caught:
        cases("_local", known)
    assert said in str(caught.value)


def run(folder, known, *options):
    """Return what pytest says of a plugin's test file."""
    test = f"\nfrom mlpk.testing import conformance\ntest_it = conformance('_local', known={known})"
    path = folder / "test_plugin.py"
    path.write_text(dedent(PLUGIN) + test)
    command = [sys.executable, "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider", *options]
    done = subprocess.run(
        [*command, path], cwd=folder, env={**os.environ, "COLUMNS": "200"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_pytest_shows_skips_and_known_failures_with_their_reasons(tmp_path):
    status, said = run(tmp_path, EACH)
    assert status == 0, said
    assert " 2 xfailed" in said
    assert "allocates-0-memory_stays_steady] - forward makes its output anew" in said
    assert "allocates-1-memory_stays_steady] - so it does with two axes" in said
    assert "SKIPPED [2]" in said
    assert "adjoint_at_full_size: the example is not called linear" in said


def test_pytest_fails_without_the_declaration(tmp_path):
    status, said = run(tmp_path, {})
    assert status == 1
    assert "\n2 failed" in said
    assert "compute into ctx.empty(...) with out=" in said


@pytest.mark.parametrize(
    ("known", "count", "words"),
    [(PASSES, 2, "[XPASS(strict)] no reason at all"), (INAPPLICABLE, 1, "it does not apply")],
)
def test_pytest_fails_where_an_expected_failure_does_not_come(tmp_path, known, count, words):
    status, said = run(tmp_path, known)
    assert status == 1
    assert f"\n{count} failed" in said
    assert words in said


def test_the_kit_is_there_without_pytest():
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "from mlpk.testing import cases\n"
        "print({case.outcome().state for case in cases('mlpk') if case.kind == 'tanh'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout in ("{'passed', 'skipped'}\n", "{'skipped', 'passed'}\n")


def test_a_reason_stays_with_its_case():
    (case,) = [each for each in cases("mlpk", {"tanh-0-memory_stays_steady": "why"}) if each.known]
    assert str(case) == "tanh-0-memory_stays_steady"
    assert case.example.instance == mlpk.layers.tanh()
