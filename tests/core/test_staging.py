from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import click
import pytest

import mlpk
from mlpk import ConfigError, Layer, MlpkError, PluginError, hookimpl, hookspecs
from mlpk.opaque import Opaque
from mlpk.staging import FAMILIES, local, stage


def module(**functions: Callable[..., Any]) -> Any:
    """Return a namespace that stands for a plugin's module."""
    return SimpleNamespace(**functions)


def returns(what: Any, hook: str = "mlpk_layers") -> Any:
    """Return a module with one hook that returns this."""

    def function() -> Any:
        return what

    return module(**{hook: hookimpl(function)})


class Watcher:
    """An ordinary class with a kind, as callbacks are."""

    kind: ClassVar[str] = "watcher"


class Meta(type):
    """A metaclass of classes that have no hash, as one that compares them would be."""

    __hash__ = None  # type: ignore[assignment] # that is the point


class Unhashable(metaclass=Meta):
    """A class that cannot be looked up."""

    kind: ClassVar[str] = "unhashable"


VERSION = mlpk.__version__


def rows(n: int = 3) -> int:
    """A dataset."""
    return n


@click.command("greet-all")
def greet() -> None:
    """Say good day."""


def test_hooks_of_every_family_are_collected() -> None:
    families = {
        "layers": mlpk.layers.dense,
        "optimizers": mlpk.optimizers.sgd,
        "losses": mlpk.losses.mean_squared_error,
        "initializers": mlpk.initializers.zeros,
        "schedules": mlpk.schedules.constant,
        "metrics": mlpk.metrics.accuracy,
        "regularizers": mlpk.regularizers.l2,
        "callbacks": Watcher,
        "datasets": rows,
        "commands": greet,
    }
    assert families.keys() == FAMILIES.keys()
    brought = stage("acme", [returns([thing], f"mlpk_{name}") for name, thing in families.items()])
    assert {item.family: item.thing for item in brought} == families
    assert {item.id for item in brought} >= {
        "acme:dense",
        "acme:watcher",
        "acme:rows",
        "acme:greet-all",
    }


def test_a_hook_may_give_any_iterable() -> None:
    def generator() -> Iterator[Any]:
        yield mlpk.layers.relu
        yield mlpk.layers.tanh

    for things in ((mlpk.layers.relu,), {mlpk.layers.relu: 1}.keys(), iter([mlpk.layers.relu])):
        assert [item.kind for item in stage("acme", [returns(things)])] == ["relu"]
    found = stage("acme", [module(mlpk_layers=hookimpl(generator))])
    assert [item.kind for item in found] == ["relu", "tanh"]


FASTER = mlpk.Implementation("sgd", update=mlpk.optimizers.sgd.update)


def test_implementations_come_beside_kinds() -> None:
    """What they are of is looked for once all kinds are known."""
    both = module(
        mlpk_layers=hookimpl(lambda: [mlpk.layers.relu]),
        mlpk_implementations=hookimpl(lambda: iter([FASTER])),
    )
    brought = stage("acme", [both])
    assert [(item.family, item.kind, item.thing) for item in brought] == [
        ("layers", "relu", mlpk.layers.relu),
        ("implementations", "sgd", FASTER),
    ]


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (
            module(),
            "brings nothing: it has no hook that returns kinds, commands or implementations",
        ),
        (returns([]), "brings nothing"),
        (
            returns([mlpk.layers.relu], "mlpk_implementations"),
            "mlpk_implementations: wanted objects of mlpk.Implementation, found <class",
        ),
        (
            returns(2 * [FASTER], "mlpk_implementations"),
            "sgd is brought twice: Implementation(kind='sgd', forward=None, ",
        ),
        (rows, "the function rows brings nothing: it has no hook"),
        (
            rows,
            "kinds, commands or implementations; an entry point names the module that holds the hooks",
        ),
        (returns(None), "brings nothing"),
        (returns("dense"), "mlpk_layers must return a list, found str"),
        (returns({"a": 1}), "mlpk_layers must return a list, found dict"),
        (returns(3), "mlpk_layers must return a list, found int"),
        (returns([3]), "mlpk_layers: wanted subclasses of Layer, found 3"),
        (returns([Watcher]), "wanted subclasses of Layer, found <class"),
        (returns([Layer]), "Layer: this class is not defined with @mlpk.define"),
        (returns([Opaque]), "Opaque: this class is not defined with @mlpk.define"),
        (returns([mlpk.layers.dense], "mlpk_losses"), "wanted subclasses of Loss"),
        (returns([Watcher()], "mlpk_callbacks"), "mlpk_callbacks: wanted classes with a kind"),
        (returns([int], "mlpk_callbacks"), "mlpk_callbacks: wanted classes with a kind"),
        (returns([Watcher], "mlpk_datasets"), "mlpk_datasets: wanted functions"),
        (returns([], "mlpk_layer"), "there is no hook mlpk_layer. Did you mean 'mlpk_layers'?"),
        (returns([rows], "mlpk_commands"), "mlpk_commands: wanted click commands, found <function"),
        (
            returns([click.Command("a_b")], "mlpk_commands"),
            "small letters, digits and '-', found 'a_b'",
        ),
        (
            returns([click.Command("-a")], "mlpk_commands"),
            "small letters, digits and '-', found '-a'",
        ),
        (returns([click.Command(None)], "mlpk_commands"), "digits and '-', found None"),
        (returns([greet, click.Group("greet-all")], "mlpk_commands"), "greet-all is brought twice"),
        (module(mlpk_layers=rows), "mlpk_layers is not marked as a hook: put @mlpk.hookimpl"),
        (module(mlpk_layers=hookimpl(lambda x: [x])), "a hook does not fit its specification"),
        (returns([type("A", (), {"kind": "a:b"})], "mlpk_callbacks"), "snake_case, found 'a:b'"),
        (returns([lambda: 3], "mlpk_datasets"), "wanted names in snake_case, found '<lambda>'"),
        (returns([Unhashable], "mlpk_callbacks"), "wanted classes with a hash, found <class"),
        (module(mlpk_interface=2), f"is written for interface 2 of mlpk, and mlpk {VERSION} has"),
        (module(mlpk_interface=0), "mlpk_interface: wanted an integer from 1, found 0 (int)"),
        (module(mlpk_interface=True), "mlpk_interface: wanted an integer from 1, found True"),
    ],
)
def test_what_is_wrong_with_a_plugin_is_said(made: Any, sentence: str) -> None:
    with pytest.raises(MlpkError) as caught:
        stage("acme", [made])
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    if isinstance(caught.value, PluginError):
        assert caught.value.dist == "acme"


def test_a_kind_that_comes_twice_is_an_error_that_names_both() -> None:
    @mlpk.define
    class Other(mlpk.layers.relu):  # type: ignore[name-defined, misc] # from the catalog
        kind: ClassVar[str] = "relu"

    modules = [returns([mlpk.layers.relu]), returns([Other])]
    with pytest.raises(PluginError, match=r"relu is brought twice: <class .*ReLU'> and .*Other"):
        stage("acme", modules)


def test_a_subclass_that_was_not_defined_is_no_kind_of_its_own() -> None:
    class Quiet(mlpk.layers.relu):  # type: ignore[name-defined, misc] # from the catalog
        pass

    with pytest.raises(ConfigError, match="Quiet: this class is not defined"):
        stage("acme", [returns([Quiet])])


def test_names_beside_the_hooks_are_nobody_s_business() -> None:
    class Touchy:
        @property
        def expensive(self) -> int:
            raise AssertionError("looked at")

        @hookimpl
        def mlpk_layers(self) -> list[Any]:
            return [mlpk.layers.relu]

        mlpk_version = 3
        other_layers = staticmethod(lambda: 1 / 0)

    assert [item.kind for item in stage("acme", [Touchy()])] == ["relu"]


def test_a_plugin_may_state_the_interface_that_it_was_written_for() -> None:
    made = returns([mlpk.layers.relu])
    made.mlpk_interface = hookspecs.INTERFACE
    assert [item.kind for item in stage("acme", [made])] == ["relu"]


def test_what_stands_in_the_module_of_another_is_not_one_s_own() -> None:
    where = mlpk.layers.relu.__module__
    package, _, name = where.rpartition(".")
    for owners in ({package: {"zeta"}}, {where: {"zeta", "mu"}, package: {"acme"}}):
        with pytest.raises(PluginError, match=r"ReLU'> belongs to .*zeta; a distribution brings"):
            stage("acme", [returns([mlpk.layers.relu])], owners)
    for owners in ({}, {package: {"zeta", "acme"}}, {where: {"acme"}, package: {"zeta"}}):
        assert stage("acme", [returns([mlpk.layers.relu])], owners)
    assert stage("acme", [returns([mlpk.layers.relu])], {package + "." + name[:2]: {"zeta"}})


def test_a_command_belongs_where_its_function_stands() -> None:
    owners = {greet.callback.__module__: {"zeta"}}
    with pytest.raises(PluginError, match=r"<Command greet-all> belongs to zeta"):
        stage("acme", [returns([greet], "mlpk_commands")], owners)
    assert stage("zeta", [returns([greet], "mlpk_commands")], owners)
    bare = click.Group("greet-all")
    assert stage("acme", [returns([bare], "mlpk_commands")], owners)


def test_a_single_kind_is_staged_without_a_module() -> None:
    assert [item.id for item in local(mlpk.layers.relu)] == ["_local:relu"]
    with pytest.raises(ConfigError, match="this class is not defined"):
        local(Layer)
    assert [item.id for item in local(returns([mlpk.layers.relu]))] == ["_local:relu"]
    with pytest.raises(PluginError, match="the class int brings nothing"):
        local(int)
