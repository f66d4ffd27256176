"""mlpk check: plugins that are broken, have nothing to check, or are not there."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

Check = Callable[..., subprocess.CompletedProcess[str]]
Gates = Callable[..., str]


def test_what_a_plugin_raises_is_its_failure(check: Check, gates: Gates) -> None:
    raising = gates("Minus").replace(
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


def test_a_kind_without_examples_does_not_pass(check: Check, gates: Gates) -> None:
    source = gates("Minus")
    done = check(
        source[: source.index("        yield")]
        + "        return iter(())\n"
        + source[source.index("@mlpk.define") :]
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "'acme-gates:minus' has no examples" in done.stderr


def test_what_is_blocked_or_not_there_is_wrong_use(check: Check, gates: Gates) -> None:
    done = check(gates("Minus"), MLPK_PLUGINS_BLOCK="acme-gates")
    assert (done.returncode, done.stdout) == (2, "")
    reason = "it is blocked: kept out by MLPK_PLUGINS_BLOCK. Active are: mlpk\n"
    assert done.stderr == f"Error: no active plugin is called 'acme-gates': {reason}"


def test_a_distribution_without_an_entry_point_is_told_so(check: Check) -> None:
    done = check("", points="[console_scripts]\nacme = acme:main\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "acme-gates is installed, but has no entry point in the group 'mlpk'" in done.stderr


def test_a_name_that_is_not_installed_is_wrong_use(run) -> None:
    result = run("check", "mlpk-nowhere")
    assert result.exit_code == 2
    assert "no active plugin is called 'mlpk-nowhere', and none is installed" in result.stderr


def test_a_failure_of_another_plugin_is_not_told_here(check: Check) -> None:
    """Only the one that is asked for counts."""
    done = check("raise RuntimeError('no luck')", "--json", name="mlpk-nowhere")
    assert done.returncode == 2
    assert "no luck" not in done.stderr
