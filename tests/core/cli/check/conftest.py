"""A plugin, acme-gates, that is installed in a folder and checked in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

LAYERS = """
import numpy as np
import mlpk

class Negated(mlpk.Layer):
    def declare(self, x):
        return mlpk.Declaration(x)

    def forward(self, arrays, ctx, x):
        return np.negative(x, out=ctx.empty("y", x.shape)), None

    def backward(self, arrays, ctx, saved, doutput, grads):
        return np.negative(doutput, out=ctx.empty("dx", doutput.shape))

    @classmethod
    def examples(cls):
        yield mlpk.Example(cls(), (3,))
        yield mlpk.Example(cls(), (2, 3), linear=True)

@mlpk.define
class Minus(Negated):
    kind = "minus"

@mlpk.define
class Sign(Negated):
    kind = "sign"

    def backward(self, arrays, ctx, saved, doutput, grads):
        return doutput

@mlpk.hookimpl
def mlpk_layers():
    return [KINDS]
"""


@pytest.fixture(scope="session")
def gates() -> Callable[..., str]:
    """Return what gives the source of a plugin with the layers Minus, which is right, and Sign."""
    return lambda *names: LAYERS.replace("KINDS", ", ".join(names))


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return what installs a plugin, acme, and checks it in a process of its own."""

    def call(
        source: str,
        *arguments: str,
        name: str = "Acme.Gates",
        code: str = "",
        points: str = "[mlpk]\nacme = acme\n",
        fds: tuple[int, ...] = (),
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        (tmp_path / "acme.py").write_text(source)
        info = tmp_path / "acme_gates-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Acme.Gates\nVersion: 1.5\n")
        (info / "entry_points.txt").write_text(points)
        command = f"{code}\nfrom mlpk.cli import main; main({['check', name, *arguments]!r})"
        hidden = {key: value for key, value in os.environ.items() if not key.startswith("MLPK_")}
        return subprocess.run(
            [sys.executable, "-c", command],
            capture_output=True,
            text=True,
            check=False,
            pass_fds=fds,
            env={**hidden, "PYTHONPATH": str(tmp_path), **variables},
        )

    return call
