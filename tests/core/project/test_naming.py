"""What the parts of a project are called, and which names are refused."""

from __future__ import annotations

import pytest

from mlpk import ConfigError
from mlpk.project.naming import FAMILIES, Naming
from mlpk.testing.kit import CHECKS


@pytest.mark.parametrize(
    ("given", "name", "package", "kind", "title"),
    [
        ("mlpk-swish", "mlpk-swish", "mlpk_swish", "swish", "Swish"),
        ("Mlpk.Sign__SGD", "mlpk-sign-sgd", "mlpk_sign_sgd", "sign_sgd", "SignSgd"),
        ("acme-gates", "acme-gates", "acme_gates", "acme_gates", "AcmeGates"),
        ("x1", "x1", "x1", "x1", "X1"),
    ],
)
def test_all_names_come_from_that_of_the_distribution(
    given: str, name: str, package: str, kind: str, title: str
) -> None:
    naming = Naming.of(given, "layers")
    assert (naming.name, naming.package, naming.kind, naming.title) == (name, package, kind, title)


def test_a_kind_may_be_given() -> None:
    naming = Naming.of("acme-gates", "optimizers", "slow_sgd")
    assert (naming.package, naming.point, naming.kind) == ("acme_gates", "acme_gates", "slow_sgd")
    assert (naming.title, naming.one) == ("SlowSgd", "optimizer")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "wanted letters, digits"),
        ("-swish", "wanted letters, digits"),
        ("swish-", "wanted letters, digits"),
        ("my swish", "wanted letters, digits"),
        ("../swish", "wanted letters, digits"),
        ("swish\n", "wanted letters, digits"),
        ("swïsh", "wanted letters, digits"),
        ("s" * 101, "wanted at most 100 characters, found 101"),
        ("2d", "a package cannot be called '2d'; try 'mlpk-2d'"),
        ("class", "a package cannot be called 'class'"),
        ("json", "the package 'json' would hide another"),
        ("NumPy", "the package 'numpy' would hide another"),
        ("mlpk", "the package 'mlpk' would hide another"),
        ("mlpk-plugins", "the package 'mlpk_plugins' would hide another"),
        ("tests", "the package 'tests' would hide another"),
        ("mlpk-2d", "wanted a kind in snake_case, found '2d'"),
        ("mlpk-lambda", "'lambda' is a word of Python"),
        ("mlpk-none", "'none' is a word of Python"),
        ("mlpk-layer", "'layer' is taken"),
        ("mlpk-shape", "'shape' is taken"),
        ("mlpk-conformance", "'conformance' is taken"),
        ("mlpk-relu", "mlpk has a layer 'relu' itself"),
    ],
)
def test_what_would_not_work_is_refused(given: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Naming.of(given, "layers")
    assert str(caught.value).startswith("NAME: ")
    assert said in str(caught.value)


def test_a_kind_that_comes_from_the_name_can_be_given_instead() -> None:
    with pytest.raises(ConfigError, match=r"give another with --kind$"):
        Naming.of("mlpk-relu", "layers")
    assert Naming.of("mlpk-relu", "layers", "soft_relu").kind == "soft_relu"
    assert Naming.of("mlpk-relu", "losses").kind == "relu", "no loss is called so"


@pytest.mark.parametrize(
    "kind", ["Swish", "2d", "a-b", "ä", "relu", "import", "conformance", "x" * 101]
)
def test_a_kind_that_is_given_is_checked_too(kind: str) -> None:
    with pytest.raises(ConfigError, match=r"^--kind: "):
        Naming.of("acme-gates", "layers", kind)


def test_there_is_a_word_for_one_of_each_family_that_a_project_may_start_with() -> None:
    assert FAMILIES.keys() == CHECKS.keys()
