"""Runs with checkpoints, cut at a step, and what they leave in a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

import mlpk
from mlpk import hookimpl
from mlpk.training import Fit

# Epoch, batch and step.
Told: TypeAlias = tuple[int, int, int]


class Files:
    """Writes down the epoch, batch and step that the file tells, whenever the run has saved it."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    @hookimpl
    def mlpk_fit_begin(self, fit: Any) -> None:
        save = fit.save

        def saved(path: Any) -> str:
            digest = save(path)
            where = mlpk.inspect(path).state.fit
            self.told.append((where.epoch, where.batch, where.step))
            return str(digest)

        fit.save = saved


class Cut:
    """Ends the run at a step, before anything is saved there."""

    def __init__(self, step: int) -> None:
        self.step = step

    @hookimpl
    def mlpk_batch_end(self, fit: Fit) -> None:
        if fit.step == self.step:
            raise InterruptedError


@pytest.fixture(scope="session")
def cut_at() -> Callable[[int], Cut]:
    """Return what makes a callback that ends the run at a step, with an `InterruptedError`."""
    return Cut


@pytest.fixture(scope="session")
def run() -> Callable[..., tuple[mlpk.Model, list[Told]]]:
    """Return what trains for epochs of three steps; it gives the model, and what each save told."""

    def train(*, epochs: int = 2, seed: int = 0, callbacks: Any = (), **more: Any) -> Any:
        model = mlpk.Model([{"kind": "dense", "units": 1}], input_shape=(2,), seed=seed)
        x = np.random.default_rng(0).standard_normal((6, 2))
        files = Files()
        model.fit(
            x,
            x.sum(axis=1),
            loss="mean_squared_error",
            optimizer="momentum",
            batch_size=2,
            epochs=epochs,
            callbacks=[files, *callbacks],
            progress=False,
            **more,
        )
        return model, files.told

    return train


@pytest.fixture(scope="session")
def names() -> Callable[[Path], list[str]]:
    """Return what lists the names in a folder."""
    return lambda folder: sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="session")
def kept() -> Callable[[Path], dict[str, int]]:
    """Return what lists the step that each file of a folder tells, by name."""
    return lambda folder: {
        path.name: mlpk.inspect(path).state.fit.step for path in sorted(folder.glob("*.mlpk"))
    }
