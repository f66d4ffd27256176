"""Writing a project: each file from its template, all of them or none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from string import Template

from mlpk.errors import FileAccessError
from mlpk.project.naming import Naming
from mlpk.version import __version__

__all__ = ["files", "write"]

USAGE = {
    "layers": 'model = mlpk.Model([mlpk.layers.dense(units=8), "$kind"], input_shape=(4,), seed=0)',
    "optimizers": 'optimizer = mlpk.optimizers["$kind"](lr=0.01)',
    "losses": 'value, gradient = mlpk.losses["$kind"]()([[1.0]], [[3.0]])',
    "metrics": 'metric = mlpk.metrics["$kind"]()',
    "schedules": 'optimizer = mlpk.optimizers.sgd(lr={"kind": "$kind"})',
    "initializers": 'layer = mlpk.layers.dense(units=8, init="$kind")',
    "regularizers": 'regularizer = mlpk.regularizers["$kind"]()',
    "callbacks": 'callback = mlpk.callbacks["$kind"]()',
}


def write(naming: Naming, parent: Path) -> Path:
    """Write a project into a new folder, called as the distribution, and return that.

    Raises `FileAccessError` if there is something of that name, or if it cannot be written; then
    nothing is left behind.
    """
    folder = parent / naming.name
    try:
        folder.mkdir()
    except FileExistsError as error:
        problem = f"{folder} is there already; give another place with --path, or move it away"
        raise FileAccessError(problem, str(folder), error.errno) from error
    except OSError as error:
        raise _unwritten(folder, error) from error
    try:
        for path, text in files(naming):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _unwritten(folder, error) from error
    return folder


def files(naming: Naming) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of each file of a project."""
    words = {
        "name": naming.name,
        "package": naming.package,
        "point": naming.point,
        "kind": naming.kind,
        "title": naming.title,
        "family": naming.family,
        "one": naming.one,
        "mlpk": ".".join(__version__.split(".")[:2]),
        "year": str(datetime.now(UTC).year),
    }
    words["usage"] = "import mlpk\n\n" + Template(USAGE[naming.family]).substitute(words)
    package, kind, family = naming.package, naming.kind, naming.family
    for path, template in (
        ("pyproject.toml", "pyproject.toml"),
        ("README.md", "README.md"),
        ("LICENSE", "LICENSE"),
        (".gitignore", "gitignore"),
        (".github/workflows/test.yml", "workflow.yml"),
        (f"{package}/__init__.py", "init.py"),
        (f"{package}/{kind}.py", f"{family}.py"),
        ("tests/test_conformance.py", "test_conformance.py"),
        (f"tests/test_{kind}.py", f"test_{family}.py"),
    ):
        source = resources.files("mlpk.project") / "templates" / f"{template}.template"
        yield path, Template(source.read_text(encoding="utf-8")).substitute(words)
    yield f"{package}/py.typed", ""


def _unwritten(folder: Path, error: OSError) -> FileAccessError:
    problem = f"{folder} cannot be written: {error.strerror or error}"
    return FileAccessError(problem, str(folder), error.errno)
