"""Catalogs that tests may change, and distributions that exist for one test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest

from mlpk import (
    Buffer,
    Context,
    Declaration,
    Example,
    Implementation,
    Initializer,
    Layer,
    Optimizer,
    Param,
    catalog,
    define,
)
from mlpk.arrays import Array, Arrays, Grads
from mlpk.optimizer import Step
from mlpk.record import Record

Install = Callable[..., None]
Run = Callable[..., str]
Beside = Callable[..., AbstractContextManager[None]]
Acting = Callable[..., AbstractContextManager[None]]
Implementing = Callable[..., None]


@define
class Half(Initializer):
    """Every value is one half; of a third party, beta."""

    kind: ClassVar[str] = "half"

    def draw(self, rng: Any, shape: tuple[int, ...], fans: tuple[int, int]) -> Array:
        return np.full(shape, 0.5)


@define
class Gate(Layer):
    """y = w * x, w (features,); it counts its training forwards. Of a third party, acme."""

    kind: ClassVar[str] = "gate"

    sizes: tuple[int, ...] = (1, 2)
    init: Initializer | str = "ones"

    def declare(self, x: Any) -> Declaration:
        return Declaration(x, {"w": Param((x[-1],), self.init)}, {"seen": Buffer((), 0, "int64")})

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        if ctx.training:
            np.add(arrays["seen"], 1, out=arrays["seen"])
        return np.multiply(x, arrays["w"], out=ctx.empty("y", x.shape)), x

    def backward(self, arrays: Arrays, ctx: Context, x: Array, dy: Array, grads: Grads) -> Array:
        np.sum(x * dy, axis=tuple(range(x.ndim - 1)), out=grads["w"])
        return np.multiply(dy, arrays["w"], out=ctx.empty("dx", x.shape))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,))


@define
class Drift(Optimizer):
    """p -= lr * g, counting its steps in a slot. Of a third party, gamma."""

    kind: ClassVar[str] = "drift"
    slots: ClassVar[tuple[str, ...]] = ("steps",)

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        np.add(slots["steps"], 1, out=slots["steps"])
        np.subtract(param, step.lr * grad, out=param)


@pytest.fixture
def own_catalog() -> Iterator[None]:
    """Put the catalog in force back when the test is over."""
    held = catalog.current()
    yield
    catalog.swap(lambda _: held)


@pytest.fixture
def beside(own_catalog: None) -> Beside:
    """Return what has things in force for a while, and records, beside what is installed."""
    del own_catalog

    @contextmanager
    def for_a_while(
        brought: Iterable[catalog.Brought], records: Iterable[catalog.Record]
    ) -> Iterator[None]:
        held = catalog.current()
        made = catalog.Catalog([*held.brought, *brought], [*held.records, *records])
        catalog.swap(lambda _: made)
        try:
            yield
        finally:
            catalog.swap(lambda _: held)

    return for_a_while


@pytest.fixture
def acting(beside: Beside) -> Acting:
    """Return what makes third parties active for a while, beside what is installed.

    `with acting(acme="2.1", beta=None):` has the gate of acme 2.1, while beta is blocked: its
    record is there, its initializer is not. Gamma has an optimizer.
    """
    brings: dict[str, tuple[str, Any]] = {
        "acme": ("layers", Gate),
        "beta": ("initializers", Half),
        "gamma": ("optimizers", Drift),
    }

    def for_a_while(**versions: str | None) -> AbstractContextManager[None]:
        brought, records = [], []
        for dist, version in versions.items():
            family, thing = brings[dist]
            if version is None:
                records.append(catalog.Record(dist, "0", "blocked", 0.0, (), "blocked by hand"))
            else:
                records.append(catalog.Record(dist, version, "active", 0.0, ()))
                brought.append(catalog.Brought(family, thing.kind, dist, thing))
        return beside(brought, records)

    return for_a_while


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Return what lays a distribution down in a folder, as an installer would.

    `install(name, module=source, ...)`; its entry points go by the modules' names, unless `points`
    says otherwise.
    """

    def write(
        name: str, *, version: str = "1.0", points: Mapping[str, str] | None = None, **modules: str
    ) -> None:
        site = tmp_path / "site"
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        for module, source in modules.items():
            (site / f"{module}.py").write_text(dedent(source), "utf-8")
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8"
        )
        lines = (points or {module: module for module in modules}).items()
        text = "\n".join(["[mlpk]", *(f"{point} = {target}" for point, target in lines)])
        (info / "entry_points.txt").write_text(text, "utf-8")

    return write


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return what runs code in a fresh interpreter that sees the installed distributions.

    `run(code, NAME=value, ...)` sets variables of the environment and returns the output, errors
    and warnings included.
    """

    def in_fresh_interpreter(code: str, **variables: str) -> str:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLPK_", "PYTHON"))}
        environment |= {"PYTHONPATH": str(tmp_path / "site"), **variables}
        done = subprocess.run(
            [sys.executable, "-c", dedent(code)],
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    return in_fresh_interpreter


@pytest.fixture
def implementing(own_catalog: None, monkeypatch: pytest.MonkeyPatch) -> Implementing:
    """Return what makes a distribution active that brings implementations, instead of earlier ones.

    `implementing("swift", Implementation(...), ..., version="1.0")`.
    """
    del own_catalog
    monkeypatch.delenv("MLPK_IMPLEMENTATION", raising=False)

    def put(dist: str, *given: Implementation, version: str = "1.0", state: Any = "active") -> None:
        held = catalog.current()
        brought = [item for item in held.brought if item.dist != dist]
        records = [record for record in held.records if record.dist != dist]
        new = [catalog.Brought("implementations", each.kind, dist, each) for each in given]
        record = attrs.evolve(Record.active(dist, version, 0.0, new), state=state)
        made = catalog.Catalog([*brought, *new], [*records, record], preferred=held.preferred)
        catalog.swap(lambda _: made)

    return put
