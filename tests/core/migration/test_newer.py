"""A file of a later release than the one that is here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import acme_releases
import numpy as np
import pytest

import mlpk
from mlpk import MissingPluginError, Model
from mlpk.errors import TooNew

Acme = Callable[[Any, str], AbstractContextManager[None]]
Release = Callable[[str], AbstractContextManager[None]]
X = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)


@pytest.fixture
def data(release: Release) -> bytes:
    with release("2.0"):
        layers = [{"kind": "gated", "units": 2, "init": "half"}, "summed", "relu"]
        return mlpk.dumps(Model(layers, input_shape=(3,), seed=0))


def test_all_kinds_are_named_at_once_with_both_schemas(data: bytes, release: Release) -> None:
    with release("1.0"), pytest.raises(MissingPluginError) as caught:
        mlpk.loads(data)
    assert caught.value.kinds == ()
    assert caught.value.newer == (
        TooNew("acme:gated", 3, 1, "acme", "1.0", "acme 2.0"),
        TooNew("acme:summed", 2, 1, "acme", "1.0", "acme 2.0"),
        TooNew("acme:half", 2, 1, "acme", "1.0", "acme 2.0"),
    )
    assert str(caught.value) == (
        "3 kinds of this file are newer than here: 'acme:gated' has schema 3 there (the file "
        "claims: 'acme 2.0') and 1 in acme 1.0; 'acme:summed' has schema 2 there (the file "
        "claims: 'acme 2.0') and 1 in acme 1.0; 'acme:half' has schema 2 there (the file "
        "claims: 'acme 2.0') and 1 in acme 1.0. A newer release is needed of: acme. Install "
        "only what you know and trust, or load with missing='opaque' to look at the rest."
    )


@pytest.mark.usefixtures("own_catalog")
def test_missing_kinds_are_named_beside_them(of_acme: Acme, data: bytes) -> None:
    with of_acme([acme_releases.OldGated], "1.0"), pytest.raises(MissingPluginError) as caught:
        mlpk.loads(data)
    assert [kind for kind, *_ in caught.value.kinds] == ["acme:summed", "acme:half"]
    assert [kind.id for kind in caught.value.newer] == ["acme:gated"]
    assert caught.value.reasons["acme:half"] == "acme 1.0 is active, and has no such kind"


def test_as_opaque_nodes_they_are_kept(data: bytes, release: Release) -> None:
    with release("1.0"):
        model = mlpk.loads(data, missing="opaque")
        assert mlpk.dumps(model) == data
        with pytest.raises(MissingPluginError, match="'acme:gated' has schema 3 there") as caught:
            model.predict(X)
        assert [kind.id for kind in caught.value.newer] == ["acme:gated", "acme:half"]
