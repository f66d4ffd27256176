"""Which implementation computes: that which is installed, that which was chosen, or the plain one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, Implementation, PluginError, catalog, choice
from mlpk.plugins import PluginWarning

Implementing = Callable[..., None]
SHAPES = ((4,),)
DENSE = mlpk.layers.dense(units=3)


def dense(**given: Any) -> Implementation:
    kind = mlpk.layers.dense
    return Implementation("dense", forward=kind.forward, backward=kind.backward, **given)


def adam() -> Implementation:
    return Implementation("adam", update=mlpk.optimizers.adam.update)


def asked(instance: Any = DENSE, shapes: Any = SHAPES, dtype: str = "float32") -> str | None:
    """Return the distribution that computes an instance."""
    found = catalog.current().choice.of(instance, shapes, dtype)
    return None if found is None else found.dist


@pytest.fixture(autouse=True)
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test be told of its conflicts anew, in the environment of nobody's choice."""
    monkeypatch.setattr(choice, "_told", set())
    monkeypatch.delenv("MLPK_IMPLEMENTATION", raising=False)


def test_what_is_installed_is_preferred(implementing: Implementing) -> None:
    assert asked() is None
    implementing("swift", dense())
    assert asked() == "swift"
    assert asked(mlpk.layers.relu()) is None
    assert asked(mlpk.optimizers.adam(), ()) is None


def test_it_is_asked_where_it_serves(implementing: Implementing) -> None:
    heard = []

    def serves(*given: Any) -> bool:
        heard.append(given)
        return bool(given[1] == SHAPES)

    implementing("swift", dense(serves=serves))
    assert asked() == "swift"
    assert asked(shapes=((None, 4),), dtype="float64") is None
    assert heard == [
        (DENSE, SHAPES, np.dtype("float32")),
        (DENSE, ((None, 4),), np.dtype("float64")),
    ]


def test_a_node_whose_inputs_are_not_known_is_left_alone(implementing: Implementing) -> None:
    implementing("swift", dense(serves=lambda *_: pytest.fail("asked")))
    assert asked(shapes=(None,)) is None


def test_an_accident_in_serves_names_the_distribution(implementing: Implementing) -> None:
    implementing("swift", dense(serves=lambda _instance, shapes, _dtype: shapes[1]))
    with pytest.raises(PluginError) as caught:
        asked()
    assert str(caught.value) == (
        "serves() of the implementation of dense by swift: IndexError: tuple index out of range"
    )
    assert caught.value.dist == "swift"


def test_of_two_none_wins_and_one_warning_says_so(implementing: Implementing) -> None:
    implementing("swift", dense(), adam())
    implementing("rapid", dense(), adam())
    with pytest.warns(PluginWarning) as caught:
        assert asked() is None
    assert asked(mlpk.optimizers.adam(), ()) is None  # which is not told again
    implementing("other")
    assert asked() is None
    assert [str(each.message) for each in caught] == [
        (
            "rapid and swift implement the same kinds (adam, dense), and nobody chose, so that neither "
            "does and 'numpy' computes them: prefer one with mlpk.use('rapid') or "
            "MLPK_IMPLEMENTATION=rapid"
        )
    ]


def test_a_conflict_is_nothing_to_who_asks_for_something_else(implementing: Implementing) -> None:
    implementing("swift", dense(), adam())
    implementing("rapid", dense())
    assert asked(mlpk.optimizers.adam(), ()) == "swift"


@pytest.mark.parametrize(
    ("names", "of_dense", "of_adam"),
    [
        (["swift"], "swift", "rapid"),
        (["rapid"], "rapid", "rapid"),
        (["rapid", "swift"], "rapid", "rapid"),
        (["numpy"], None, None),
        (["swift", "numpy"], "swift", None),
        (["Swift"], "swift", "rapid"),
    ],
)
@pytest.mark.parametrize("way", ["use", "environment"])
def test_names_are_asked_in_their_order(
    implementing: Implementing,
    monkeypatch: pytest.MonkeyPatch,
    names: list[str],
    of_dense: str | None,
    of_adam: str | None,
    way: str,
) -> None:
    if way == "environment":
        monkeypatch.setenv("MLPK_IMPLEMENTATION", ", ".join(names))
    implementing("swift", dense())
    implementing("rapid", dense(), adam())
    if way == "use":
        mlpk.use(*names)
    assert (asked(), asked(mlpk.optimizers.adam(), ())) == (of_dense, of_adam)


def test_the_next_is_asked_where_the_first_does_not_serve(implementing: Implementing) -> None:
    implementing("swift", dense(serves=lambda _instance, _shapes, dtype: dtype == "float32"))
    implementing("rapid", dense())
    mlpk.use("swift", "rapid")
    assert (asked(), asked(dtype="float64")) == ("swift", "rapid")
    mlpk.use("swift")
    assert (asked(), asked(dtype="float64")) == ("swift", None)


def test_use_goes_before_the_environment(
    implementing: Implementing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLPK_IMPLEMENTATION", "numpy")
    implementing("swift", dense())
    assert asked() is None
    mlpk.use("swift")
    assert asked() == "swift"
    mlpk.use()
    assert asked() is None


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "swfit",
            (
                "names 'swfit', but no plugin of that name implements anything. Did you mean 'swift'? "
                "There are: numpy, swift"
            ),
        ),
        ("mlpk", "names 'mlpk', but no plugin of that name implements anything. There are: numpy"),
        ("slow", "names 'slow', but the plugin slow 1.0 is blocked: "),
        ("numpy swift", ": 'numpy' implements every kind: what comes after it is never asked"),
    ],
)
def test_a_name_that_means_nothing_is_an_error(
    implementing: Implementing, monkeypatch: pytest.MonkeyPatch, name: str, sentence: str
) -> None:
    implementing("swift", dense())
    implementing("slow", state="blocked")
    with pytest.raises(PluginError) as caught:
        mlpk.use(*name.split())
    assert str(caught.value).startswith("mlpk.use")
    assert sentence in str(caught.value)
    assert asked() == "swift"
    monkeypatch.setenv("MLPK_IMPLEMENTATION", name)
    implementing("other")
    with pytest.raises(PluginError) as caught:
        asked()
    assert str(caught.value).startswith("MLPK_IMPLEMENTATION")
    assert sentence in str(caught.value)


def test_a_name_is_text() -> None:
    with pytest.raises(ConfigError, match=r"mlpk.use: wanted names of distributions, found \["):
        mlpk.use(["numpy"])  # type: ignore[arg-type] # the mistake


def test_what_computes_is_named_with_its_version(implementing: Implementing) -> None:
    implementing("swift", dense())
    implementing("rapid", adam())
    active = catalog.current().choice
    of_dense, of_adam = (
        active.of(each, shapes, "float32")
        for each, shapes in ((DENSE, SHAPES), (mlpk.optimizers.adam(), ()))
    )
    assert active.named([]) == "numpy"
    assert active.named([None, None]) == "numpy"
    assert active.named([of_dense, None, of_dense, of_adam]) == "rapid 1.0, swift 1.0"


def remarks() -> list[tuple[str, str, bool, str]]:
    active = catalog.current()
    return [
        (item.dist, item.kind, active.choice.in_force(item), active.choice.remark(item))
        for item in active.brought
        if item.family == "implementations"
    ]


def test_what_is_not_in_force_says_why(implementing: Implementing) -> None:
    waiting = Implementation(
        "gone:gate", forward=DENSE.forward.__func__, backward=DENSE.backward.__func__
    )
    implementing("swift", dense(), waiting)
    assert remarks() == [
        ("swift", "dense", True, ""),
        ("swift", "gone:gate", False, "'gone:gate' is not active"),
    ]
    implementing("rapid", dense(), adam())
    conflict = "has it too, and nobody chose: mlpk.use or MLPK_IMPLEMENTATION does"
    assert remarks() == [
        ("swift", "dense", False, f"rapid {conflict}"),
        ("swift", "gone:gate", False, "'gone:gate' is not active"),
        ("rapid", "dense", False, f"swift {conflict}"),
        ("rapid", "adam", True, ""),
    ]
    mlpk.use("swift", "rapid")
    assert remarks()[2] == ("rapid", "dense", True, "where swift does not serve")
    mlpk.use("swift")
    assert remarks()[2] == ("rapid", "dense", False, "'swift' is preferred")
    mlpk.use("numpy")
    assert remarks()[3] == ("rapid", "adam", False, "'numpy' is preferred")
