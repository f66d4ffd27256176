"""A distribution, acme, with a layer and an initializer, and a file that needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from click.testing import Result

import mlpk
from mlpk import Declaration, Initializer, Layer, Param, catalog, define

Told = tuple[dict[str, str], dict[str, list[str]]]


@define
class Half(Initializer):
    kind = "half"

    def draw(self, rng: Any, shape: tuple[int, ...], fans: tuple[int, int]) -> Any:
        return np.full(shape, 0.5)


class Scaled(Layer):
    def declare(self, x: Any) -> Declaration:
        return Declaration(x, {"w": Param((x[-1],), "half")})

    def forward(self, arrays: Any, ctx: Any, x: Any) -> Any:
        return x * arrays["w"], x

    def backward(self, arrays: Any, ctx: Any, x: Any, dy: Any, grads: Any) -> Any:
        grads["w"][...] = (x * dy).sum(0)
        return dy * arrays["w"]

    @classmethod
    def examples(cls) -> Iterator[mlpk.Example]:
        yield mlpk.Example(cls(), (2,))


@define
class Gate(Scaled):
    kind = "gate"


class Acme:
    """What the distribution brings, and how it comes to be here."""

    Half: ClassVar = Half
    Gate: ClassVar = Gate

    def gate(self, migration: Callable[[Any], Any]) -> type[Layer]:
        """Return a later gate, of schema 2."""
        names = {"kind": "gate", "schema": 2, "migrations": {1: migration}, "__annotations__": {}}
        return define(type("Gate", (Scaled,), names))

    def put(
        self,
        *things: Any,
        state: Any = "active",
        error: str | None = None,
        version: str = "2.1",
    ) -> None:
        """Let the distribution bring these kinds and no others."""
        held = catalog.current()
        kept = [item for item in held.brought if item.dist != "acme"]
        records = [record for record in held.records if record.dist != "acme"]
        brought = [catalog.Brought(thing.family, thing.kind, "acme", thing) for thing in things]
        record = catalog.Record("acme", version, state, 0.0, (), error)
        catalog.swap(lambda _: catalog.Catalog([*kept, *brought], [*records, record]))


@pytest.fixture
def acme(own_catalog: None) -> Acme:
    """Return the distribution, which brings nothing yet."""
    del own_catalog
    return Acme()


@pytest.fixture
def path(acme: Acme, tmp_path: Path) -> Path:
    """Return a file that needs the gate of acme 2.1, which is active."""
    acme.put(acme.Gate, acme.Half)
    mlpk.Model(["gate", "relu"], input_shape=(2,), seed=0).save(tmp_path / "m.mlpk")
    return tmp_path / "m.mlpk"


@pytest.fixture(scope="session")
def told() -> Callable[[Result], Told]:
    """Return what reads a report: its facts by name, and the rows of its table by kind."""

    def read(result: Result) -> Told:
        facts, _, rest = result.stdout.partition("\n\n")
        listed = [line.split(maxsplit=1) for line in facts.splitlines()]
        rows = [
            [cell.strip() for cell in line.split("  ") if cell.strip()]
            for line in rest.splitlines()[2:]
        ]
        return dict(listed), {row[0]: row[1:] for row in rows}

    return read
