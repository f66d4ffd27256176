"""mlpk check: the kit's findings, as a report, as JSON and as an exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

RIGHT = """
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
class Minus(Negated):
    kind = "minus"

@mlpk.hookimpl
def mlpk_layers():
    return KINDS
"""
SIGN = """
@mlpk.define
class Sign(Negated):
    kind = "sign"

    def backward(self, arrays, ctx, saved, doutput, grads):
        return doutput
"""
HOOK = """
@mlpk.hookimpl
def mlpk_datasets():
    def points():
        return np.zeros(3)
    return [points]
"""
Check = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Return what installs a plugin, acme, and checks it in a process of its own."""

    def call(
        source: str,
        *arguments: str,
        name: str = "Acme.Gates",
        code: str = "",
        points: str = "[mlpk]\nacme = acme\n",
        fds: tuple[int, ...] = (),
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        (tmp_path / "acme.py").write_text(source)
        info = tmp_path / "acme_gates-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Acme.Gates\nVersion: 1.5\n")
        (info / "entry_points.txt").write_text(points)
        command = f"{code}\nfrom mlpk.cli import main; main({['check', name, *arguments]!r})"
        hidden = {key: value for key, value in os.environ.items() if not key.startswith("MLPK_")}
        return subprocess.run(
            [sys.executable, "-c", command],
            capture_output=True,
            text=True,
            check=False,
            pass_fds=fds,
            env={**hidden, "PYTHONPATH": str(tmp_path), **variables},
        )

    return call


def test_what_is_right_passes_with_its_skips_counted_and_named(check: Check) -> None:
    done = check(RIGHT.replace("KINDS", "[Minus]") + HOOK)
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


def test_a_failure_is_named_with_its_sentence_and_example(check: Check) -> None:
    done = check(RIGHT.replace("KINDS", "[Minus, Sign]") + SIGN)
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


def test_verbose_names_every_check_and_shows_tracebacks(check: Check) -> None:
    done = check(RIGHT.replace("KINDS", "[Minus, Sign]") + SIGN, "--verbose")
    listed = done.stdout.partition("every check\n")[2].partition("\n\n")[0].splitlines()
    told = {line.split()[-1]: line.split()[0] for line in listed}
    assert told["acme-gates:minus-1-adjoint_at_full_size"] == "passed"
    assert told["acme-gates:minus-0-adjoint_at_full_size"] == "skipped"
    assert told["acme-gates:sign-1-adjoint_at_full_size"] == "failed"
    assert "    Traceback (most recent call last):" in done.stdout


def test_a_failure_may_be_declared(check: Check) -> None:
    names = (
        "sign-gradients_agree_with_differences=a sign is wrong",
        "acme-gates:sign-1-adjoint_at_full_size = and so it is here",
    )
    options = [word for name in names for word in ("--known", name)]
    done = check(RIGHT.replace("KINDS", "[Sign]") + SIGN, *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "known to fail\n"
        "  2  gradients_agree_with_differences: a sign is wrong\n"
        "  1  adjoint_at_full_size: and so it is here"
    ) in done.stdout


def test_a_declared_failure_that_passes_has_failed(check: Check) -> None:
    done = check(
        RIGHT.replace("KINDS", "[Minus]"), "--known", "minus-1-adjoint_at_full_size=a guess"
    )
    assert done.returncode == 1
    assert "declared to fail (a guess), it passes: take the declaration out" in done.stdout


@pytest.mark.parametrize("known", ["minus-no_such_check=x", "minus-1-adjoint_at_full_size"])
def test_a_declaration_that_says_nothing_is_wrong_use(check: Check, known: str) -> None:
    done = check(RIGHT.replace("KINDS", "[Minus]"), "--known", known)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: known")


def test_json_has_every_outcome(check: Check) -> None:
    done = check(RIGHT.replace("KINDS", "[Minus, Sign]") + SIGN, "--json")
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


def test_pytest_is_not_needed(check: Check) -> None:
    done = check(RIGHT.replace("KINDS", "[Minus]"), code="import sys; sys.modules['pytest'] = None")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_a_plugin_raises_is_its_failure(check: Check) -> None:
    raising = RIGHT.replace("KINDS", "[Minus]").replace(
        "return np.negative(x,",
        "raise OSError('no' + chr(27) + ' disk')\n        return np.negative(x,",
    )
    done = check(raising)
    assert done.returncode == 1
    assert "    found: node 'minus' (minus), forward: OSError: no\\x1b disk\n" in done.stdout


def test_a_broken_plugin_does_not_pass(check: Check) -> None:
    done = check("raise RuntimeError('no luck')", MLPK_PLUGINS_STRICT="1")
    assert (done.returncode, done.stdout) == (1, "")
    sentence = (
        "Error: the plugin acme-gates 1.5 failed to load: RuntimeError: no luck (acme.py, line 1)\n"
    )
    assert done.stderr == sentence


def test_a_failed_import_is_told_with_its_line_and_its_traceback(check: Check) -> None:
    source = "import mlpk\n\nimport nothing_of_this_name\n"
    done = check(source, "--traceback")
    assert (done.returncode, done.stdout) == (1, "")
    problem = "ModuleNotFoundError: No module named 'nothing_of_this_name'"
    assert done.stderr.endswith(
        f"Error: the plugin acme-gates 1.5 failed to load: {problem} (acme.py, line 3)\n"
    )
    assert "    import nothing_of_this_name\n" in done.stderr


def test_an_error_of_a_library_is_told_with_the_plugin_s_line(check: Check) -> None:
    done = check("import json\n\njson.loads('{')\n")
    assert done.stderr.endswith(" (acme.py, line 3)\n")
    assert "JSONDecodeError" in done.stderr


def test_a_line_that_python_tells_itself_is_not_told_twice(check: Check) -> None:
    done = check("x = 1\nx = = 1\n")
    assert done.stderr.endswith(": SyntaxError: invalid syntax (acme.py, line 2)\n")


def test_what_the_hooks_break_is_told_where_they_stand(check: Check) -> None:
    done = check("import mlpk\n@mlpk.hookimpl\ndef mlpk_layers():\n    return 1 / 0\n")
    assert done.stderr.endswith(": ZeroDivisionError: division by zero (acme.py, line 4)\n")


def test_a_kind_without_examples_does_not_pass(check: Check) -> None:
    source = RIGHT.replace("KINDS", "[Minus]")
    done = check(
        source[: source.index("        yield")]
        + "        return iter(())\n"
        + source[source.index("@mlpk.define") :]
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "'acme-gates:minus' has no examples" in done.stderr


def test_what_is_blocked_or_not_there_is_wrong_use(check: Check) -> None:
    done = check(RIGHT.replace("KINDS", "[Minus]"), MLPK_PLUGINS_BLOCK="acme-gates")
    assert (done.returncode, done.stdout) == (2, "")
    reason = "it is blocked: kept out by MLPK_PLUGINS_BLOCK. Active are: mlpk\n"
    assert done.stderr == f"Error: no active plugin is called 'acme-gates': {reason}"


def test_a_distribution_without_an_entry_point_is_told_so(check: Check) -> None:
    done = check("", points="[console_scripts]\nacme = acme:main\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "acme-gates is installed, but has no entry point in the group 'mlpk'" in done.stderr


def test_a_kind_with_mlpk_s_short_name_is_told_by_its_id(check: Check) -> None:
    source = RIGHT.replace("KINDS", "[Minus]").replace('"minus"', '"relu"')
    done = check(source)
    sentence = "relu: reached only as acme-gates:relu; the short name is mlpk's"
    assert (done.returncode, done.stderr) == (0, "")
    assert f"\nnote\n  {sentence}\n" in done.stdout


def test_migrations_count_as_skipped_and_say_what_checks_them(check: Check) -> None:
    source = RIGHT.replace("KINDS", "[Minus]").replace(
        'kind = "minus"', 'kind = "minus"\n    schema = 2\n    migrations = {1: lambda old: old}'
    )
    done = check(source)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "  1  migrations_are_not_checked: no file of an earlier schema is here: keep one of each "
        "in your tests, and load it"
    ) in done.stdout.splitlines()


def test_a_name_that_is_not_installed_is_wrong_use(run) -> None:
    result = run("check", "mlpk-nowhere")
    assert result.exit_code == 2
    assert "no active plugin is called 'mlpk-nowhere', and none is installed" in result.stderr


def test_a_failure_of_another_plugin_is_not_told_here(check: Check) -> None:
    """Only the one that is asked for counts."""
    done = check("raise RuntimeError('no luck')", "--json", name="mlpk-nowhere")
    assert done.returncode == 2
    assert "no luck" not in done.stderr


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_a_terminal_is_shown_how_far_it_is(check: Check) -> None:
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
    source = RIGHT.replace("KINDS", "[Minus]")
    done = check(
        source, "--json", code=f"import os; os.dup2({slave}, 2)", fds=(slave,), TERM="xterm"
    )
    os.close(slave)
    reader.join(timeout=30)
    os.close(master)
    assert done.returncode == 0
    assert json.loads(done.stdout)["failed"] == 0
    assert b"checking" in b"".join(shown)
