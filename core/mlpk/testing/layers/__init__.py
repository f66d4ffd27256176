"""What every layer has to keep."""

from mlpk.testing.layers import gradients, memory, numbers, repetition, shapes

__all__ = ["CHECKS"]

CHECKS = (
    *gradients.CHECKS,
    *shapes.CHECKS,
    *memory.CHECKS,
    *numbers.CHECKS,
    *repetition.CHECKS,
)
