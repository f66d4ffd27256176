"""What an implementation of a loss has to keep."""

from mlpk.testing.implementations.losses import agreement, conduct, extremes

__all__ = ["CHECKS"]

CHECKS = (
    *agreement.CHECKS,
    *extremes.CHECKS,
    *conduct.CHECKS,
)
