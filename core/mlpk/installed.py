"""What is installed: the distributions with entry points for mlpk, whose metadata are read once."""

from __future__ import annotations

import importlib.util
import json
import re
import site
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import attrs

from mlpk.errors import PluginError, shown

__all__ = ["GROUP", "Installed", "installed", "is_name", "normalised"]

GROUP = "mlpk"
HEADING = re.compile(r"\s*\[\s*(.*?)\s*\]\s*")
POINT = re.compile(r"[A-Za-z_][\w.]*(\s*:\s*[\w.]+)?(\s*\[.*\])?", re.ASCII)
NAME = re.compile(r"[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")


@attrs.frozen
class Installed:
    """One distribution, as its metadata call it; `problem` is what is wrong with those, or "".

    Where they give no name, it is the folder of the metadata, in brackets.
    """

    name: str
    version: str
    points: tuple[metadata.EntryPoint, ...]
    found: metadata.Distribution
    problem: str = ""

    @property
    def dist(self) -> str:
        """The name that ids and the environment know it by."""
        return normalised(self.name) if is_name(self.name) else self.name

    @property
    def place(self) -> str:
        """The folder of sys.path that it was found in."""
        return str(self.found.locate_file(""))

    @property
    def modules(self) -> set[str]:
        """The modules that its entry points name."""
        return {point.value.partition(":")[0].strip() for point in self.points}

    def holds(self, package: Path) -> bool:
        """Tell whether a package comes from this distribution, copied or from its sources."""
        if Path(str(self.found.locate_file(package.name))).resolve() == package.resolve():
            return True
        origin = json.loads(self.found.read_text("direct_url.json") or "{}").get("url", "")
        sources = Path(url2pathname(urlsplit(origin).path)).resolve()
        return origin.startswith("file:") and package.resolve().is_relative_to(sources)

    def load(self) -> Iterator[object]:
        """Import what the entry points name, in the order of their names.

        Where Python does not know a module, the .pth files that came with the distribution are
        read first: it was installed, from its sources, after this program had started.
        """
        if self.problem:
            remedy = "install it again, or delete what is left of it"
            raise PluginError(f"{self.problem} (in {self.place}); {remedy}", self.dist)
        for module in self.modules:
            if importlib.util.find_spec(module.partition(".")[0]) is None:
                for file in self.found.files or ():
                    if file.suffix == ".pth" and len(file.parts) == 1:
                        site.addpackage(self.place, file.name, None)
        for point in sorted(self.points):
            yield point.load()


def is_name(name: str) -> bool:
    """Tell whether a distribution may be called so."""
    return NAME.fullmatch(name) is not None


def normalised(name: str) -> str:
    """Return a name as all of its spellings are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> list[Installed]:
    """Return the distributions that have entry points in the group, in the order of sys.path."""
    distributions = metadata.distributions(path=list(dict.fromkeys(sys.path)))
    return [read for found in distributions if (read := _read(found)) is not None]


def _read(found: metadata.Distribution) -> Installed | None:
    """Return a distribution that has entry points in the group, or None."""
    problem = ""
    try:
        text = found.read_text("entry_points.txt") or ""
    except UnicodeDecodeError as error:
        text, problem = error.object.decode("ascii", "replace"), f"entry_points.txt: {error}"
    points, fault = _points(text)
    if not points and not fault:
        return None
    name = version = ""
    try:
        given = found.metadata
        name = str(given["Name"]) if "Name" in given else ""
        version = str(given["Version"]) if "Version" in given else ""
    except Exception as error:  # noqa: BLE001 - a file that is damaged in whatever way is told of
        problem = f"METADATA: {type(error).__name__}: {error}"
    if not problem and not is_name(name):
        problem = f"METADATA has no name for a distribution, found {shown(name)}"
    if not problem and not VERSION.fullmatch(version):
        problem = f"METADATA has no version, found {shown(version)}"
    if not is_name(name):
        folder = getattr(found, "_path", None)  # for people to find it, where there is one
        name = f"({getattr(folder, 'name', 'no folder')})"
    if not VERSION.fullmatch(version):
        version = ""
    return Installed(name, version, points, found, problem or fault)


def _points(text: str) -> tuple[tuple[metadata.EntryPoint, ...], str]:
    """Return the entry points of the group, and what is wrong with them."""
    points: dict[str, metadata.EntryPoint] = {}
    fault = group = ""
    for line in text.splitlines():
        if heading := HEADING.fullmatch(line):
            group = heading[1]
        elif group == GROUP and line.strip() and not line.lstrip().startswith(("#", ";")):
            name, _, value = (part.strip() for part in line.partition("="))
            if not POINT.fullmatch(value):
                fault = f"entry_points.txt: wanted name = module, found {shown(line)}"
            elif name in points:
                fault = f"entry_points.txt has {shown(name)} twice"
            else:
                points[name] = metadata.EntryPoint(name, value, GROUP)
    return tuple(points.values()), fault
