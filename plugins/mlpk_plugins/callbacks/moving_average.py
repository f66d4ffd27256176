"""Moving average: train as ever, and keep the average of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mlpk import ConfigError, hookimpl
from mlpk.arrays import Array

if TYPE_CHECKING:
    from mlpk import Model
    from mlpk.training import Fit


class MovingAverage:
    """average = decay * average + (1 - decay) * weights, after every batch; it starts as the weights.

    At the end of the run the averages take the place of parameters and buffers; until then
    training and validation see the weights themselves. 0 <= decay < 1.

    Polyak and Juditsky, Acceleration of stochastic approximation by averaging, 1992.
    """

    kind: ClassVar[str] = "moving_average"

    def __init__(self, decay: float = 0.999) -> None:
        if not 0 <= decay < 1:
            raise ConfigError(f"{self.kind}.decay", f"wanted 0 <= decay < 1, found {decay}")
        self.decay = decay
        self._averages: list[Array] = []

    @hookimpl
    def mlpk_fit_begin(self, fit: Fit) -> None:
        self._averages = [array.copy() for array in _arrays(fit.model)]

    @hookimpl
    def mlpk_batch_end(self, fit: Fit) -> None:
        for average, array in zip(self._averages, _arrays(fit.model), strict=True):
            np.add(average, (1 - self.decay) * (array - average), out=average)

    @hookimpl
    def mlpk_fit_end(self, fit: Fit) -> None:
        for average, array in zip(self._averages, _arrays(fit.model), strict=True):
            array[...] = average

    def state(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return {f"average_{place}": average for place, average in enumerate(self._averages)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        self._averages = [np.array(state[f"average_{place}"]) for place in range(len(state))]


def _arrays(model: Model) -> list[Array]:
    """Return what is averaged: whole numbers, such as counts, have no average."""
    held = (*model.params.values(), *model.buffers.values())
    return [array for array in held if array.dtype.kind == "f"]
