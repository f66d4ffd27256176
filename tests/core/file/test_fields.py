"""A layer of a third party whose fields changed, though its schema did not."""

from __future__ import annotations

from typing import ClassVar

import pytest

import mlpk
from mlpk import Declaration, FileFormatError, Layer, catalog, define
from mlpk.catalog import Brought, Catalog, Record


class Same(Layer):
    """y = x."""

    def declare(self, x):
        return Declaration(x)

    def forward(self, arrays, ctx, x):
        return x, None

    def backward(self, arrays, ctx, saved, doutput, grads):
        return doutput

    @classmethod
    def examples(cls):
        yield from ()


@define
class First(Same):
    kind: ClassVar[str] = "lowrank"

    rank: int = 1
    units: int = 2


@define
class Renamed(Same):
    kind: ClassVar[str] = "lowrank"

    rank: int = 1
    init: int = 2


def release(cls: type, version: str) -> None:
    """Put a catalog in force in which acme-kit has this class."""
    held = catalog.current()
    brought = [item for item in held.brought if item.dist != "acme-kit"]
    records = [record for record in held.records if record.dist != "acme-kit"]
    made = Catalog(
        [*brought, Brought("layers", "lowrank", "acme-kit", cls)],
        [*records, Record("acme-kit", version, "active", 0.0, ("acme-kit:lowrank",))],
    )
    catalog.swap(lambda _: made)


@pytest.mark.usefixtures("own_catalog")
@pytest.mark.parametrize("missing", ["error", "opaque"])
def test_a_renamed_field_is_told_with_both_releases(missing: str) -> None:
    release(First, "0.1.0")
    model = mlpk.Model(["relu", First().named("low")], input_shape=(3,))
    data = mlpk.dumps(model)
    release(Renamed, "0.2.0")
    with pytest.raises(FileFormatError) as caught:
        mlpk.loads(data, missing=missing)
    assert str(caught.value) == (
        "node 'low' (acme-kit:lowrank) was written with the fields rank, units (the file claims: "
        "'acme-kit 0.1.0'), and acme-kit 0.2.0 here has init, rank, both as schema 1. Whoever "
        "changes a field raises `schema` and adds a migration; take the release that wrote the "
        "file, or ask for that (at field spec.nodes[1].config)"
    )
    release(First, "0.2.0")
    assert mlpk.dumps(mlpk.loads(data)) != b""
