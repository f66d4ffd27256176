"""Names of other frameworks: each entry is unknown here, and what it points at exists."""

from __future__ import annotations

import attrs
import pytest

import mlpk
from mlpk import ConfigError, UnknownKindError, catalog
from mlpk_schemas.synonyms import FIELDS, KINDS, REMEDIES, field_hint, kind_hint

LAYERS, OPTIMIZERS = mlpk.layers, mlpk.optimizers
FAMILIES = ("layers", "optimizers", "losses", "metrics", "schedules", "initializers")


def fields() -> dict[tuple[str, str], set[str]]:
    """Return the fields of every kind that comes with mlpk."""
    return {
        (family, kind): set(attrs.fields_dict(catalog.current().find(family, kind)))
        for family in FAMILIES
        for kind in catalog.current().names(family)
    }


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_elsewhere_is_one_here(name: str) -> None:
    every = fields()
    for field in FIELDS[name]:
        assert field != name
        assert any(field in known and name not in known for known in every.values()), field


@pytest.mark.parametrize(
    ("family", "name", "kind"), [(f, name, kind) for f in KINDS for name, kind in KINDS[f].items()]
)
def test_a_kind_elsewhere_is_one_here(family: str, name: str, kind: str) -> None:
    known = catalog.current().names(family)
    assert name == name.lower()
    assert name not in known
    assert kind in known
    assert kind_hint(family, name.upper(), known) == f" Did you mean '{kind}'?"


@pytest.mark.parametrize("key", REMEDIES, ids=".".join)
def test_a_remedy_names_what_there_is(key: tuple[str, str, str]) -> None:
    family, kind, name = key
    text, other_family, other = REMEDIES[key]
    assert other in catalog.current().names(other_family)
    assert text.endswith(".")
    kinds = catalog.current().names(family) if kind == "*" else [kind]
    assert kinds
    for each in kinds:
        assert name not in attrs.fields_dict(catalog.current().find(family, each))


def test_a_hint_is_only_for_a_field_that_the_kind_has() -> None:
    assert field_hint("optimizers", "sgd", "learning_rate", ["lr"]) == " Did you mean 'lr'?"
    assert field_hint("layers", "relu", "learning_rate", []) == ""
    assert kind_hint("losses", "mse", ["hinge"]) == ""
    assert kind_hint("datasets", "mse", ["mean_squared_error"]) == ""


@pytest.mark.parametrize(
    ("make", "where", "hint"),
    [
        (lambda: OPTIMIZERS.adam(learning_rate=1), "adam.learning_rate", "Did you mean 'lr'?"),
        (lambda: OPTIMIZERS.sgd(momentum=0.9), "sgd.momentum", "optimizer of its own, 'momentum'."),
        (lambda: OPTIMIZERS.adam(weight_decay=1), "adam.weight_decay", "of its own, 'adamw'."),
        (lambda: LAYERS.embedding(input_dim=3), "embedding.input_dim", "Did you mean 'entries'?"),
        (lambda: LAYERS.embedding(output_dim=3), "embedding.output_dim", "Did you mean 'units'?"),
        (lambda: LAYERS.dropout(p=0.5), "dropout.p", "Did you mean 'rate'?"),
        (lambda: LAYERS.leaky_relu(alpha=0.5), "leaky_relu.alpha", "Did you mean 'slope'?"),
        (
            lambda: LAYERS.dense(3, kernel_initializer="zeros"),
            "dense.kernel_initializer",
            "Did you mean 'init'?",
        ),
        (lambda: LAYERS.dense(3, activation="relu"), "dense.activation", "'relu' behind this one."),
        (lambda: LAYERS.dense(3, name="a"), "dense.name", "or layer(x, name='...')."),
        (
            lambda: LAYERS.dense(3, kernel_regularizer="l2"),
            "dense.kernel_regularizer",
            "fit(regularizer={'kind': 'l2', 'l2': ...}).",
        ),
        (lambda: LAYERS.dense(unist=3), "dense.unist", "Did you mean 'units'?"),
    ],
)
def test_an_unknown_field_says_what_to_write(make, where: str, hint: str) -> None:  # type: ignore[no-untyped-def] # lambdas
    with pytest.raises(ConfigError) as caught:
        make()
    assert caught.value.where == where
    assert str(caught.value).endswith(hint)


def test_a_mapping_and_a_name_alone_are_told_the_same() -> None:
    with pytest.raises(ConfigError, match=r"^layers\[0\].activation: .*a layer of its own"):
        mlpk.Model([{"kind": "dense", "units": 3, "activation": "relu"}], input_shape=(3,))
    with pytest.raises(UnknownKindError, match=r"^layers\[0\]: .* Did you mean 'dense'\?$"):
        mlpk.Model(["Linear"], input_shape=(3,))
