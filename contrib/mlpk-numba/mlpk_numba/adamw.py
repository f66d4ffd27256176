"""AdamW in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlpk.arrays import Array
from mlpk.optimizer import Step

from mlpk_numba.adam import adam_step

__all__ = ["update"]


def update(adamw: Any, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
    decay = step.lr * adamw.weight_decay if step.decays else 0.0
    adam_step(adamw, param, grad, slots, step, decay=decay, hat=False)
