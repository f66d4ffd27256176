"""Everything that is offered comes in through an entry point, and each hook has a user."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import tomllib
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import mlpk_plugins
from mlpk import catalog, hookspecs
from mlpk.kind import Kind
from mlpk.staging import FAMILIES

ROOT = Path(__file__).parents[2]
HOOKS = [name for name in vars(hookspecs) if name.startswith("mlpk_")]


def points() -> dict[str, str]:
    """Return the entry points that the project declares."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return dict(project["entry-points"]["mlpk"])


def modules() -> list[ModuleType]:
    """Return every module of the first-party plugins."""
    found = pkgutil.walk_packages(mlpk_plugins.__path__, "mlpk_plugins.")
    return [importlib.import_module(info.name) for info in found]


def source(item: catalog.Brought) -> Any:
    """Return the class or the function behind what is offered; a command is an object of click's."""
    return item.thing.callback if item.family == "commands" else item.thing


def offered(thing: object) -> bool:
    """Tell whether a class stands for a kind: one that is defined, or a callback."""
    if not inspect.isclass(thing):
        return False
    if issubclass(thing, Kind):
        return "__mlpk_checks__" in vars(thing)
    return isinstance(getattr(thing, "kind", None), str)


def test_there_is_one_entry_point_a_family() -> None:
    assert points() == {family: f"mlpk_plugins.{family}" for family in FAMILIES}


def test_what_is_installed_is_what_is_declared() -> None:
    installed = {
        point.name: point.value
        for point in metadata.entry_points(group="mlpk")
        if point.dist is not None and point.dist.name == "mlpk"
    }
    assert installed == points(), "install the project again"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_catalog_holds_what_the_entry_points_bring(family: str) -> None:
    module = importlib.import_module(points()[family])
    brought: list[Any] = list(getattr(module, f"mlpk_{family}")())
    held = [
        item for item in catalog.current().brought if item.family == family and item.dist == "mlpk"
    ]
    assert [item.thing for item in held] == brought
    names = [item.kind for item in held]
    assert names == sorted(names), "a family lists its kinds in order"


def test_no_kind_was_forgotten() -> None:
    held = {item.thing for item in catalog.current().brought if item.dist == "mlpk"}
    for module in modules():
        for thing in vars(module).values():
            if offered(thing) and thing.__module__ == module.__name__:
                assert thing in held, f"{thing} is in no list of its family"


def test_a_kind_stands_in_a_file_of_its_name() -> None:
    for item in catalog.current().brought:
        if item.dist == "mlpk":
            wanted = f"mlpk_plugins.{item.family}.{item.kind}"
            assert source(item).__module__ == wanted, f"{item.thing} is not in {wanted}"


# Ours are the plain implementations, which those of other plugins are compared with.
@pytest.mark.parametrize("hook", sorted({*HOOKS} - {"mlpk_implementations"}))
def test_each_hook_has_a_first_party_user(hook: str) -> None:
    users = [
        f"{module.__name__}.{name}"
        for module in modules()
        for name, owner in [(module.__name__, module), *inspect.getmembers(module, inspect.isclass)]
        if hasattr(getattr(owner, hook, None), "mlpk_impl")
    ]
    assert users, f"{hook} is a hook that no plugin of ours needs"


def test_a_name_is_used_once_in_its_family() -> None:
    ids = [(item.family, item.id) for item in catalog.current().brought]
    assert len(set(ids)) == len(ids)


def test_every_kind_is_documented() -> None:
    for item in catalog.current().brought:
        if item.dist == "mlpk":
            assert inspect.getdoc(source(item)), f"{item.id} has no docstring"
