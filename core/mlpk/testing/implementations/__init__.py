"""What an implementation has to keep: beside the plain one nobody could tell, but by the time."""

from collections.abc import Mapping

from mlpk.testing.case import Check
from mlpk.testing.implementations import layers, losses, optimizers

__all__ = ["CHECKS"]

CHECKS: Mapping[str, tuple[Check, ...]] = {
    "layers": layers.CHECKS,
    "losses": losses.CHECKS,
    "optimizers": optimizers.CHECKS,
}
