"""The way back through the steps of recurrent layers, and their examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from mlpk import Context, Example, Layer
from mlpk.arrays import Array
from mlpk_plugins.layers.parts.steps import Step, Steps


def back_in_time(ctx: Context, steps: Steps, dy: Array) -> Iterator[tuple[Step, Array, Array]]:
    """Yield (step, dh, earlier) from the last step to the first, for dy of `steps.output`.

    dh (units, n) is the gradient of the state after the step. Whoever loops writes that of the
    state before it to `earlier`, which becomes the next dh, and may overwrite dh.
    """
    shape = steps.h.shape[1:]
    dh, earlier = ctx.empty("dh", shape), ctx.empty("earlier", shape)
    of_sequences = dy.ndim == steps.h.ndim
    dh[...] = 0 if of_sequences else dy.T
    for t in reversed(range(len(steps.each))):
        if of_sequences:
            dh += dy[:, t].T
        yield steps.each[t], dh, earlier
        dh, earlier = earlier, dh


def examples_of(layer: Callable[..., Layer]) -> Iterator[Example]:
    """Yield a recurrent layer's last state and all of its states, without a mask and with one."""
    yield Example(layer(units=3), (4, 2))
    yield Example(layer(units=2, return_sequences=True), (None, 3))
    for sequences in (False, True):
        masked = layer(units=2, return_sequences=sequences)
        yield Example(masked, (None, 3), (None,), draw=sequence_and_mask)


def sequence_and_mask(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Draw n rows for an example on (None, 3) and (None,), more than half of the steps unmasked."""
    return rng.standard_normal((n, 5, 3)), rng.random((n, 5)) < 0.6  # noqa: PLR2004 - a share
