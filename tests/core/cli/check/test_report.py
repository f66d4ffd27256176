"""mlpk check: the kit's findings, as a report, as JSON and as an exit status."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable

import pytest

Check = Callable[..., subprocess.CompletedProcess[str]]
Gates = Callable[..., str]
HOOK = """
@mlpk.hookimpl
def mlpk_datasets():
    def points():
        return np.zeros(3)
    return [points]
"""


def test_what_is_right_passes_with_its_skips_counted_and_named(check: Check, gates: Gates) -> None:
    done = check(gates("Minus") + HOOK)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "acme-gates 1.5"
    assert lines[1].split() == [
        "kind", "family", "examples", "checks", "passed", "skipped", "known", "failed",
    ]  # fmt: skip
    layer, data = lines[3].split(), lines[4].split()
    assert layer[:3] == ["acme-gates:minus", "layers", "2"]
    checks, passed, skipped, known, failed = map(int, layer[3:])
    assert (passed + skipped, known, failed) == (checks, 0, 0)
    assert skipped > 5
    assert data == ["acme-gates:points", "datasets", "1", "1", "0", "1", "0", "0"]
    assert lines[6].split() == ["all", "3", *map(str, (checks + 1, passed, skipped + 1, 0, 0))]
    assert "  1  adjoint_at_full_size: the example is not called linear" in lines
    assert "  2  evaluation_writes_no_buffer: the layer has no buffers" in lines
    assert "  1  nothing_is_checked: the kit has no checks for data sets and commands" in lines
    assert "every check" not in lines
    assert "failed" not in lines


def test_a_failure_is_named_with_its_sentence_and_example(check: Check, gates: Gates) -> None:
    done = check(gates("Minus", "Sign"))
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.endswith(" checks of acme-gates 1.5 failed\n")
    report = done.stdout.partition("\nfailed\n")[2]
    assert report.startswith(
        "  acme-gates:sign-0-gradients_agree_with_differences\n"
        "    wanted: Gradients of inputs and parameters are central differences, in training and "
        "evaluation.\n"
        "    example: Sign() on (3,)\n"
        "    found: gradient of the input x0 in training: off by "
    )
    assert "acme-gates:sign-1-adjoint_at_full_size" in report
    assert "minus" not in report
    assert "Traceback" not in report


def test_verbose_names_every_check_and_shows_tracebacks(check: Check, gates: Gates) -> None:
    done = check(gates("Minus", "Sign"), "--verbose")
    listed = done.stdout.partition("every check\n")[2].partition("\n\n")[0].splitlines()
    told = {line.split()[-1]: line.split()[0] for line in listed}
    assert told["acme-gates:minus-1-adjoint_at_full_size"] == "passed"
    assert told["acme-gates:minus-0-adjoint_at_full_size"] == "skipped"
    assert told["acme-gates:sign-1-adjoint_at_full_size"] == "failed"
    assert "    Traceback (most recent call last):" in done.stdout


def test_a_failure_may_be_declared(check: Check, gates: Gates) -> None:
    names = (
        "sign-gradients_agree_with_differences=a sign is wrong",
        "acme-gates:sign-1-adjoint_at_full_size = and so it is here",
    )
    options = [word for name in names for word in ("--known", name)]
    done = check(gates("Sign"), *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "known to fail\n"
        "  2  gradients_agree_with_differences: a sign is wrong\n"
        "  1  adjoint_at_full_size: and so it is here"
    ) in done.stdout


def test_a_declared_failure_that_passes_has_failed(check: Check, gates: Gates) -> None:
    done = check(gates("Minus"), "--known", "minus-1-adjoint_at_full_size=a guess")
    assert done.returncode == 1
    assert "declared to fail (a guess), it passes: take the declaration out" in done.stdout


@pytest.mark.parametrize("known", ["minus-no_such_check=x", "minus-1-adjoint_at_full_size"])
def test_a_declaration_that_says_nothing_is_wrong_use(
    check: Check, known: str, gates: Gates
) -> None:
    done = check(gates("Minus"), "--known", known)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: known")


def test_json_has_every_outcome(check: Check, gates: Gates) -> None:
    done = check(gates("Minus", "Sign"), "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["dist"], told["version"]) == ("acme-gates", "1.5")
    states = [case["state"] for case in told["cases"]]
    for state in ("passed", "skipped", "known", "failed"):
        assert told[state] == states.count(state)
    failed = next(case for case in told["cases"] if case["state"] == "failed")
    assert failed["seconds"] >= 0
    del failed["seconds"], failed["message"]
    assert failed == {
        "kind": "acme-gates:sign",
        "family": "layers",
        "number": 0,
        "example": "Sign() on (3,)",
        "check": "gradients_agree_with_differences",
        "wanted": "Gradients of inputs and parameters are central differences, in training and "
        "evaluation.",
        "state": "failed",
    }


def test_pytest_is_not_needed(check: Check, gates: Gates) -> None:
    done = check(gates("Minus"), code="import sys; sys.modules['pytest'] = None")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_kind_with_mlpk_s_short_name_is_told_by_its_id(check: Check, gates: Gates) -> None:
    source = gates("Minus").replace('"minus"', '"relu"')
    done = check(source)
    sentence = "relu: reached only as acme-gates:relu; the short name is mlpk's"
    assert (done.returncode, done.stderr) == (0, "")
    assert f"\nnote\n  {sentence}\n" in done.stdout


def test_migrations_count_as_skipped_and_say_what_checks_them(check: Check, gates: Gates) -> None:
    source = gates("Minus").replace(
        'kind = "minus"', 'kind = "minus"\n    schema = 2\n    migrations = {1: lambda old: old}'
    )
    done = check(source)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "  1  migrations_are_not_checked: no file of an earlier schema is here: keep one of each "
        "in your tests, and load it"
    ) in done.stdout.splitlines()


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_a_terminal_is_shown_how_far_it_is(check: Check, gates: Gates) -> None:
    master, slave = os.openpty()
    shown: list[bytes] = []

    def read() -> None:
        while True:
            try:
                shown.append(os.read(master, 4096))
            except OSError:  # nobody can write there any more
                return

    reader = threading.Thread(target=read)
    reader.start()
    source = gates("Minus")
    done = check(
        source, "--json", code=f"import os; os.dup2({slave}, 2)", fds=(slave,), TERM="xterm"
    )
    os.close(slave)
    reader.join(timeout=30)
    os.close(master)
    assert done.returncode == 0
    assert json.loads(done.stdout)["failed"] == 0
    assert b"checking" in b"".join(shown)
