"""A throw-away environment in which distributions of every sort are really installed, with pip.

Each file of zoo/ is one distribution: what is in it, and what shall become of it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import attrs
import pytest

ROOT = Path(__file__).parents[2]
EMPTY = 300  # distributions that have nothing to do with mlpk

LAYER = """
import mlpk as _mlpk

@_mlpk.define
class {title}(_mlpk.Layer):
    kind = "{kind}"

    def declare(self, x):
        return _mlpk.Declaration(x)

    def forward(self, arrays, ctx, x):
        return x, None

    def backward(self, arrays, ctx, saved, dy, grads):
        return dy

    @classmethod
    def examples(cls):
        yield _mlpk.Example(cls(), (3,))
"""
HOOK = """
@_mlpk.hookimpl
def mlpk_layers():
    return [{titles}]
"""
# A build backend that needs nothing but Python: an editable wheel is a .pth file.
BACKEND = """
import zipfile
from pathlib import Path

def build_editable(folder, config_settings=None, metadata_directory=None):
    return _wheel(folder, {{"{stem}.pth": str(Path.cwd())}})

def build_wheel(folder, config_settings=None, metadata_directory=None):
    return _wheel(folder, {{path.name: path.read_text() for path in Path().glob("zoo_*.py")}})

def _wheel(folder, files):
    files["{info}/METADATA"] = "Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"
    files["{info}/WHEEL"] = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files["{info}/entry_points.txt"] = "[mlpk]\\n{module} = {module}\\n"
    files["{info}/RECORD"] = "".join(f"{{path}},,\\n" for path in [*files, "{info}/RECORD"])
    with zipfile.ZipFile(Path(folder, "{stem}-py3-none-any.whl"), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return "{stem}-py3-none-any.whl"
"""


def animals() -> list[dict[str, Any]]:
    """Return what the files of the zoo say."""
    return [
        tomllib.loads(path.read_text("utf-8")) for path in sorted(ROOT.glob("tests/contrib/zoo/*"))
    ]


def layers(kinds: Iterable[str]) -> str:
    """Return the source of a plugin that brings layers of these kinds."""
    titles = [f"{kind.title().replace('_', '')}{place}" for place, kind in enumerate(kinds)]
    classes = [
        LAYER.format(title=title, kind=kind) for title, kind in zip(titles, kinds, strict=True)
    ]
    return "".join(classes) + HOOK.format(titles=", ".join(titles))


def stem(name: str, version: str) -> str:
    return f"{re.sub(r'[-_.]+', '_', name)}-{version}"


def wheel(
    folder: Path, name: str, version: str, files: Mapping[str, bytes], points: str = ""
) -> Path:
    """Write a wheel; the names are those of the metadata, the entry points a whole file."""
    info = f"{stem(name, version)}.dist-info"
    told = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: zoo\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if points:
        told["entry_points.txt"] = points
    everything = {**files, **{f"{info}/{file}": text.encode() for file, text in told.items()}}
    record = "".join(f"{path},,\n" for path in [*everything, f"{info}/RECORD"])
    path = folder / f"{stem(name, version)}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, data in {**everything, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(file, data)
    return path


def own_wheel(folder: Path) -> Path:
    """Write mlpk's wheel from the tree, as pyproject.toml describes it."""
    described = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    files = {
        path.relative_to(root.parent).as_posix(): path.read_bytes()
        for root in map(
            ROOT.joinpath, described["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
        )
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    version = re.search(r'= "(.+)"', files["mlpk/version.py"].decode())
    points = described["project"]["entry-points"]["mlpk"].items()
    text = "\n".join(["[mlpk]", *(f"{name} = {value}" for name, value in points)])
    return wheel(folder, "mlpk", version[1] if version else "", files, text)


@attrs.frozen
class Environment:
    """An installation of Python with mlpk, and its dependencies from outside."""

    path: Path

    @property
    def site(self) -> Path:
        return Path(sysconfig.get_path("purelib", "venv", {"base": str(self.path)}))

    @property
    def python(self) -> str:
        folder = sysconfig.get_path("scripts", "venv", {"base": str(self.path)})
        return str(Path(folder, Path(sys.executable).name))

    def place(self, name: str) -> Path:
        """Return a folder of the path: the ordinary one, or another that comes after it."""
        return self.path / name if name else self.site

    def pip(self, *arguments: str | Path, place: str = "") -> None:
        """Install without asking anybody else, into the ordinary place or another."""
        target = ["--target", self.place(place)] if place else []
        plain = ["--no-index", "--no-deps", "--no-compile", "--no-cache-dir", "--quiet"]
        alone = ["--disable-pip-version-check", "--no-build-isolation"]
        command = [sys.executable, "-m", "pip", "--python", self.python, "install", *plain, *alone]
        done = subprocess.run(
            [*command, *target, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def run(self, code: str, **variables: str) -> str:
        """Return what a program of its own prints there; it must end well, and silently."""
        hidden = ("MLPK_", "PYTHON", "COLUMNS")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(hidden)}
        done = subprocess.run(
            [self.python, "-c", dedent(code)],
            env={**kept, "COLUMNS": "200", **variables},
            cwd=self.path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,  # a program that waits for itself ends as a failure
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    def editable(self, name: str, version: str, module: str, source: str) -> Path:
        """Write a project that can be installed with `pip install -e`, and return its folder."""
        folder = self.path / "sources" / name
        folder.mkdir(parents=True)
        words = {"name": name, "version": version, "module": module, "stem": stem(name, version)}
        words["info"] = f"{words['stem']}.dist-info"
        (folder / "backend.py").write_text(BACKEND.format(**words), "utf-8")
        (folder / f"{module}.py").write_text(source, "utf-8")
        (folder / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
            f'[project]\nname = "{name}"\nversion = "{version}"\n',
            "utf-8",
        )
        return folder


def made(path: Path) -> Environment:
    """Return a new environment with mlpk, and nothing else of its own."""
    venv.EnvBuilder(symlinks=os.name != "nt").create(path)
    environment = Environment(path)
    outside = [entry for entry in sys.path if entry.rstrip("/\\").endswith("-packages")]
    places = [*(str(environment.place(name)) for name in ("second", "third")), *outside]
    (environment.site / "outside.pth").write_text("\n".join(places), "utf-8")
    (path / "wheels").mkdir()
    environment.pip(own_wheel(path / "wheels"))
    return environment


def written(environment: Environment, animal: Mapping[str, Any]) -> Path:
    """Write the wheel of one file of the zoo."""
    sources = dict(animal.get("modules", {}))
    for module, kinds in animal.get("layers", {}).items():
        sources[module] = sources.get(module, "") + layers(kinds)
    listed = [f"{name} = {value}" for name, value in animal.get("points", {}).items()]
    points = animal.get("entry_points") or "\n".join(["[mlpk]", *listed])
    folder = environment.path / "wheels" / animal.get("place", "first")
    folder.mkdir(exist_ok=True)
    files = {f"{module}.py": source.encode() for module, source in sources.items()}
    return wheel(folder, animal["name"], animal.get("version", "1.0"), files, points)


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Return the environment of all distributions of the zoo, and of three hundred others."""
    environment = made(tmp_path_factory.mktemp("zoo"))
    placed: dict[str, list[Path]] = {}
    for animal in animals():
        placed.setdefault(animal.get("place", ""), []).append(written(environment, animal))
    for number in range(EMPTY):
        name, points = f"zoo-empty-{number:03}", "[zoo.other]\nnothing = nothing\n"
        # As pip would, which takes seconds for so many.
        with zipfile.ZipFile(wheel(environment.path / "wheels", name, "1.0", {}, points)) as packed:
            packed.extractall(environment.site)
    for place, wheels in placed.items():
        environment.pip(*wheels, place=place)
    copy = environment.editable("zoo-copied", "1.0", "zoo_copied", layers(["robin"]))
    environment.pip(copy, place="second")
    environment.pip("-e", copy)
    for animal in animals():
        damage(environment, animal)
    return environment


def damage(environment: Environment, animal: Mapping[str, Any]) -> None:
    """Do to the installed metadata what no installer would."""
    folder = environment.place(animal.get("place", ""))
    info = folder / f"{stem(animal['name'], animal.get('version', '1.0'))}.dist-info"
    after = animal.get("after", {})
    for encoding, files in (("latin-1", after.get("latin-1", {})), ("utf-8", after)):
        for file, text in files.items():
            if text == "":
                (info / file).unlink()
            elif file != "latin-1":
                (info / file).write_bytes(text.encode(encoding))


@pytest.fixture(scope="session")
def environment_made() -> Any:
    """Return what makes an environment with mlpk alone in a folder."""
    return made


@pytest.fixture
def nest(tmp_path: Path) -> Environment:
    """Return an environment of a test's own, with mlpk alone."""
    return made(tmp_path / "nest")


@pytest.fixture
def plugin() -> Any:
    """Return what writes a wheel, or a project, of a plugin that brings layers."""

    def write(
        environment: Environment,
        name: str,
        version: str,
        module: str,
        kinds: Iterable[str],
        source: str = "",
        *,
        editable: bool = False,
    ) -> Path:
        source += layers(kinds)
        if editable:
            return environment.editable(name, version, module, source)
        folder = environment.path / "wheels"
        points = f"[mlpk]\n{module} = {module}\n"
        return wheel(folder, name, version, {f"{module}.py": source.encode()}, points)

    return write
