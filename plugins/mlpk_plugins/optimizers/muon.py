"""Muon."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import and_, ge, gt, lt

from mlpk import Optimizer, Schedule, define
from mlpk.arrays import Array
from mlpk.optimizer import Step, not_negative
from mlpk_plugins.optimizers.parts.adam_step import adam_change
from mlpk_plugins.optimizers.parts.newton_schulz import orthogonalised


@define
class Muon(Optimizer):
    """v = mu * v + g; p -= lr * (max(1, b / a)**0.5 * O(g + mu * v) + weight_decay * p).

    That is for matrices p (a, b), the weights of dense and recurrent layers. O is the nearest
    matrix with orthogonal rows or columns, by five steps of a Newton-Schulz iteration that leaves
    its singular values near 1, between 0.7 and 1.2. Jordan et al., Muon: an optimizer for hidden
    layers in neural networks, 2024.

    Whatever is no matrix (biases, gamma and beta, kernels of convolutions) takes the step of
    `adam`, with the rate lr * rest and the fields beta1, beta2 and eps. An optimizer sees shapes
    alone, so that embeddings and the last layer are matrices like others, though its authors give
    them to Adam. The decay, lr * weight_decay * p or lr * rest * weight_decay * p, is left out
    where a parameter declares none. A matrix keeps its v in the slot m, and leaves the slot v
    zero. 0 <= mu, beta1, beta2 < 1; eps > 0; rest, weight_decay >= 0.
    """

    kind: ClassVar[str] = "muon"
    elementwise: ClassVar[bool] = False
    slots: ClassVar[tuple[str, ...]] = ("m", "v")

    lr: Schedule | float = field(default=0.02, validator=not_negative)
    mu: float = field(default=0.95, validator=and_(ge(0), lt(1)))
    weight_decay: float = field(default=0.0, validator=ge(0))
    rest: float = field(default=0.015, validator=ge(0))
    beta1: float = field(default=0.9, validator=and_(ge(0), lt(1)))
    beta2: float = field(default=0.95, validator=and_(ge(0), lt(1)))
    eps: float = field(default=1e-8, validator=gt(0))

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        if param.ndim == 2:  # noqa: PLR2004 - a matrix
            rate = step.lr
            change = self._along_directions(grad, slots["m"], step)
        else:
            rate = step.lr * self.rest
            change = adam_change(
                grad, slots, step, rate, beta1=self.beta1, beta2=self.beta2, eps=self.eps
            )
        if step.decays and self.weight_decay:
            decay = rate * self.weight_decay
            change += np.multiply(param, decay, out=step.scratch("decay", param))
        param -= change

    def _along_directions(self, grad: Array, velocity: Array, step: Step) -> Array:
        """Bring the velocity up to date, and return scratch: the step of a matrix."""
        velocity *= self.mu
        velocity += grad
        ahead = np.multiply(velocity, self.mu, out=step.scratch("change", grad))
        ahead += grad
        orthogonalised(ahead, step)
        a, b = grad.shape
        ahead *= step.lr * sqrt(max(1, b / a))
        return ahead
