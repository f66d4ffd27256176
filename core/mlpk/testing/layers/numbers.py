"""What the numbers of a layer have to keep: their dtype, their range, no alarms."""

from __future__ import annotations

import numpy as np

from mlpk.example import Example
from mlpk.testing.alarms import raised
from mlpk.testing.bench import Bench
from mlpk.testing.differences import assert_close
from mlpk.testing.inapplicable import InapplicableError

__all__ = ["CHECKS"]

MEANINGS = ("real", "probabilities", "same")
# Of a few hundred operations in float32.
ROUNDING = 1e-5
FAR = 1e4


def float32_stays_float32(example: Example) -> None:
    """A network in float32 computes in float32, both ways, buffers included."""
    bench = Bench(example, "float32")
    before = {name: buffer.dtype for name, buffer in bench.model.buffers.items()}
    for training in (True, False):
        outputs = bench.forward(training=training)
        for name, output in outputs.items():
            if output.dtype.kind == "f":
                assert output.dtype == np.float32, f"{name} came out as {output.dtype}"
        for name, grad in bench.run.backward(bench.doutputs(outputs)).items():
            assert grad.dtype == np.float32, f"the gradient of {name} came out as {grad.dtype}"
    for name, buffer in bench.model.buffers.items():
        assert buffer.dtype == before[name], f"the buffer {name} became {buffer.dtype}"


def float32_follows_float64(example: Example) -> None:
    """Outputs and gradients in float32 are those in float64, as far as rounding lets them."""
    low, high = Bench(example, "float32"), Bench(example)
    for training in (False, True):
        if training and high.is_random():  # drawn in either dtype for itself
            continue
        wanted = high.both_ways(training=training)
        for name, array in low.both_ways(training=training).items():
            assert_close(array.astype(np.float64), wanted[name], f"{name} in float32", ROUNDING)


def ordinary_inputs_raise_no_alarm(example: Example) -> None:
    """The example's inputs overflow nowhere, divide nothing by zero and bring no warning."""
    for dtype in ("float32", "float64"):
        bench = Bench(example, dtype)
        for training in (True, False):
            with raised():
                found = bench.both_ways(training=training)
            for name, array in found.items():
                assert np.isfinite(array).all(), f"{name} in {dtype} is not finite"


def outputs_mean_what_they_say(example: Example) -> None:
    """Where `gives` says "probabilities", values are from 0 to 1, far out too; "same" keeps that."""
    bench = Bench(example, "float32")
    gives = bench.layer.gives
    assert gives in MEANINGS, f"gives is {gives!r}; wanted one of {MEANINGS}"
    if gives == "real":
        raise InapplicableError("the output may be any number")
    drawn = bench.inputs
    scales = (1.0, FAR) if gives == "probabilities" else (1.0,)
    for scale in scales:
        for name, array in drawn.items():
            if bench.is_real(name):
                bench.inputs[name] = (
                    array * np.float32(scale) if gives == "probabilities" else np.abs(array) % 1
                )
        for name, output in bench.forward(training=False).items():
            outside = ~((output >= 0) & (output <= 1 + ROUNDING))  # also where it is NaN
            assert not outside.any(), f"{name} gives {output[outside][0]} as a probability"


CHECKS = (
    float32_stays_float32,
    float32_follows_float64,
    ordinary_inputs_raise_no_alarm,
    outputs_mean_what_they_say,
)
