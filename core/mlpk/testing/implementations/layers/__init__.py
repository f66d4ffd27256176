"""What an implementation of a layer has to keep."""

from mlpk.testing.implementations.layers import agreement, conduct, extremes

__all__ = ["CHECKS"]

CHECKS = (
    *agreement.CHECKS,
    *extremes.CHECKS,
    *conduct.CHECKS,
)
