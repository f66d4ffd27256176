"""A file of third parties that come and go."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import Model

Acting = Callable[..., AbstractContextManager[None]]


@pytest.fixture(scope="session")
def gate() -> dict[str, Any]:
    """A layer of acme, inside of it an initializer of beta."""
    return {"kind": "gate", "sizes": [5, 7], "init": "half"}


@pytest.fixture
def data(acting: Acting, gate: dict[str, Any]) -> bytes:
    """Return a file with a layer of acme 2.1, inside of it an initializer of beta 0.3."""
    with acting(acme="2.1", beta="0.3"):
        layers = [{"kind": "dense", "units": 3}, gate, {"kind": "dense", "units": 2}]
        model = Model(layers, input_shape=(3,), seed=0)
        x = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
        model.forward(x, training=True)
        model.meta = {"who": "test"}
        return mlpk.dumps(model)
