"""The interface of optimizers: update rules, without any state of their own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
from attrs import field
from attrs.validators import gt, optional

from mlpk.arrays import Array
from mlpk.context import Context
from mlpk.kind import Kind
from mlpk.schedule import Schedule

if TYPE_CHECKING:
    from mlpk.model import Model
    from mlpk.training.updater import Updater

__all__ = ["Optimizer", "Step", "not_negative"]


def not_negative(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse a negative constant; a schedule answers for its own values."""
    if isinstance(value, int | float) and value < 0:
        raise ValueError(f"'{attribute.name}' must be >= 0: {value}")


class Step:
    """One update as an optimizer sees it.

    `t` counts updates from 1; `lr` is the learning rate with schedule and factors in it; `decays`
    tells whether weight decay applies to the block at hand.
    """

    def __init__(self, t: int, memory: Context | None = None) -> None:
        self.t = t
        self.lr = 0.0
        self.decays = True
        self._memory = memory or Context("float32")

    def scratch(self, name: str, like: Array) -> Array:
        """Return scratch memory shaped like `like`; its contents are undefined."""
        return self._memory.empty(name, like.shape, like.dtype)


@attrs.frozen(slots=False)
class Optimizer(Kind):
    """An update rule. Its fields are hyper-parameters; core keeps its slots.

    `slots` names the arrays that it keeps for each parameter, zero at first. If `elementwise`,
    `update` gets blocks of the flat vectors, otherwise one parameter at a time, in its shape; and
    a block ends where weight decay does, unless `decays` tells that the rule has none.
    `lr` is a number or a schedule. `clip_norm` bounds the global L2 norm of all gradients,
    `clip_value` each element; both are off by default.
    """

    family: ClassVar[str] = "optimizers"
    elementwise: ClassVar[bool] = True
    decays: ClassVar[bool] = True
    slots: ClassVar[tuple[str, ...]] = ()

    lr: Schedule | float = field(default=0.01, validator=not_negative)
    clip_norm: float | None = field(default=None, kw_only=True, validator=optional(gt(0)))
    clip_value: float | None = field(default=None, kw_only=True, validator=optional(gt(0)))

    @abstractmethod
    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        """Update `param` and `slots` in place from the gradient, which is left as it is.

        `step.lr` is the rate to use, schedule and factors in it (not `self.lr`), `step.t` the
        number of this update, from 1. Weight decay goes only where `step.decays` is true, and
        `step.scratch(name, like)` is memory that comes back with anything in it.
        """

    def rate(self, t: int) -> float:
        """Return the learning rate after `t` updates."""
        lr = self.lr
        if isinstance(lr, float):  # is told sooner than a schedule, whose class is abstract
            return lr
        return lr.at(t) if isinstance(lr, Schedule) else lr

    def attach(self, model: Model) -> Updater:
        """Return this optimizer with fresh slots for a model: `.step()` applies its gradients."""
        from mlpk.training.updater import Updater  # noqa: PLC0415 - the updater imports this

        return Updater(self, model)
