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
    """average += (1 - decay) / (1 - decay**t) * (weights - average), after update t = 1, 2, ...

    That is sum_i decay**(t - i) * weights_i / sum_i decay**(t - i): after the first update the
    weights themselves, and what stood there before it never counts, however short the run. At the
    end of the run the averages take the place of parameters and buffers; until then training and
    validation see the weights themselves. 0 <= decay < 1. It looks back over 1 / (1 - decay) updates
    or so, which should be few beside those of the run.

    Polyak and Juditsky, Acceleration of stochastic approximation by averaging, 1992; the divisor
    is that of Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015.
    """

    kind: ClassVar[str] = "moving_average"
    sets_weights: ClassVar[bool] = True

    def __init__(self, decay: float = 0.999) -> None:
        if not 0 <= decay < 1:
            raise ConfigError(f"{self.kind}.decay", f"wanted 0 <= decay < 1, found {decay}")
        self.decay = decay
        self.updates = 0  # that are in the averages
        self._seen = 0  # of the optimizer, which may have made some before this run
        self._averages: list[Array] = []

    @hookimpl
    def mlpk_fit_begin(self, fit: Fit) -> None:
        self.updates, self._seen = 0, fit.optimizer.t
        self._averages = [np.zeros_like(array) for array in _arrays(fit.model)]

    @hookimpl
    def mlpk_batch_end(self, fit: Fit) -> None:
        self._average(fit)

    @hookimpl
    def mlpk_epoch_end(self, fit: Fit) -> None:
        self._average(fit)  # where `accumulate` left batches over, an update comes after the last

    def _average(self, fit: Fit) -> None:
        """Take the weights in, if they are those of an update that was not seen yet."""
        if fit.optimizer.t == self._seen:
            return
        self._seen = fit.optimizer.t
        self.updates += 1
        share = (1 - self.decay) / (1 - self.decay**self.updates)
        for average, array in zip(self._averages, _arrays(fit.model), strict=True):
            move = array - average
            move *= share
            np.add(average, move, out=average)

    @hookimpl
    def mlpk_fit_end(self, fit: Fit) -> None:
        if self.updates:
            for average, array in zip(self._averages, _arrays(fit.model), strict=True):
                array[...] = average

    def config(self) -> dict[str, Any]:
        """Return what must be the same in a run that goes on."""
        return {"decay": self.decay}

    def state(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        averages = {f"average_{place}": average for place, average in enumerate(self._averages)}
        return {"updates": self.updates, "seen": self._seen, **averages}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.updates, self._seen = state["updates"], state["seen"]
        count = sum(name.startswith("average_") for name in state)
        self._averages = [np.array(state[f"average_{place}"]) for place in range(count)]


def _arrays(model: Model) -> list[Array]:
    """Return what is averaged: whole numbers, such as counts, have no average."""
    held = (*model.params.values(), *model.buffers.values())
    return [array for array in held if array.dtype.kind == "f"]
