"""What the parts of a plugin's project are called, derived from the name of its distribution."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Iterator

import attrs

import mlpk
from mlpk import catalog
from mlpk.errors import ConfigError, shown
from mlpk.installed import is_name, normalised
from mlpk.record import FIRST_PARTY, Brought

__all__ = ["FAMILIES", "Naming"]

# What one of a family is called.
FAMILIES = {
    "layers": "layer",
    "optimizers": "optimizer",
    "losses": "loss",
    "metrics": "metric",
    "schedules": "schedule",
    "initializers": "initializer",
    "regularizers": "regularizer",
    "callbacks": "callback",
}
# Packages of mlpk, those that it needs, and the folder of a project's own tests.
TAKEN = {
    "attr", "attrs", "click", "mlpk", "mlpk_schemas", "msgpack", "numpy", "pluggy", "pytest", "rich",
    "tests",
}  # fmt: skip
# Names that the modules of a project import beside those of mlpk.
IMPORTED = {
    "Any",
    "Array",
    "Arrays",
    "Best",
    "ClassVar",
    "Fit",
    "Grads",
    "Iterator",
    "Mapping",
    "Measured",
}
IMPORTED |= {"MetricState", "Shape", "Step"}
LONGEST = 100  # a file's name has an end


@attrs.frozen
class Naming:
    """The names of a project: distribution, package, kind, class.

    `name` is the distribution's, normalised: "mlpk-swish". The package is "mlpk_swish", the kind
    "swish" unless it is given, the class "Swish".
    """

    name: str
    kind: str
    family: str

    @classmethod
    def of(cls, given: str, family: str, kind: str = "") -> Naming:
        """Return the names for a distribution, or refuse it with `ConfigError`."""
        if not is_name(given) or not given.isascii():
            problem = (
                "wanted letters, digits, '-', '_' and '.', the first and last a letter or digit"
            )
            raise ConfigError("NAME", f"{problem}; found {shown(given)}")
        if len(given) > LONGEST:
            problem = f"wanted at most {LONGEST} characters, found {len(given)}"
            raise ConfigError("NAME", problem)
        name = normalised(given)
        found = cls(name, kind or _stem(name), family)
        found.check_package()
        found.check_kind(derived=not kind)
        return found

    @property
    def package(self) -> str:
        """The name of the Python package."""
        return self.name.replace("-", "_")

    @property
    def point(self) -> str:
        """The name of the entry point."""
        return _stem(self.name)

    @property
    def one(self) -> str:
        """What one of the family is called."""
        return FAMILIES[self.family]

    @property
    def title(self) -> str:
        """The name of the class."""
        return "".join(part[:1].upper() + part[1:] for part in self.kind.split("_"))

    def check_package(self) -> None:
        """Refuse a package that Python cannot import, or that would hide another."""
        package = self.package
        if not package.isidentifier() or keyword.iskeyword(package):
            problem = f"a package cannot be called '{package}'; try 'mlpk-{self.name}'"
            raise ConfigError("NAME", problem)
        bringing = {str(item.thing.__module__).partition(".")[0] for item in _first_party()}
        if package in sys.stdlib_module_names | TAKEN | bringing:
            problem = f"the package '{package}' would hide another of that name"
            raise ConfigError("NAME", f"{problem}; choose another name")

    def check_kind(self, *, derived: bool) -> None:
        """Refuse a kind that is no name, or that something else is called."""
        where, remedy = ("NAME", "; give another with --kind") if derived else ("--kind", "")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.kind, re.ASCII) or len(self.kind) > LONGEST:
            problem = f"wanted a kind in snake_case, found {shown(self.kind)}"
            raise ConfigError(where, problem + remedy)
        if any(map(keyword.iskeyword, (self.kind, self.title))):
            raise ConfigError(where, f"'{self.kind}' is a word of Python{remedy}")
        if self.title in {*mlpk.__all__, *IMPORTED} or self.kind == "conformance":
            problem = f"'{self.kind}' is taken: the project needs that name itself"
            raise ConfigError(where, problem + remedy)
        if any((item.family, item.kind) == (self.family, self.kind) for item in _first_party()):
            problem = f"mlpk has a {self.one} '{self.kind}' itself, which keeps that name"
            raise ConfigError(where, problem + remedy)


def _first_party() -> Iterator[Brought]:
    return (item for item in catalog.current().brought if item.dist == FIRST_PARTY)


def _stem(name: str) -> str:
    return name.removeprefix("mlpk-").replace("-", "_")
