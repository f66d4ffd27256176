"""One writer per kind of state."""

from __future__ import annotations

import numpy as np
import pytest

from mlpk import Model, PluginError
from mlpk.arrays import Views


@pytest.mark.parametrize("training", [True, False])
def test_no_layer_writes_a_parameter(bad, training: bool) -> None:
    model = Model([bad(fault="writes its parameter")], input_shape=(3,), dtype="float64")
    with pytest.raises(PluginError, match="read-only"):
        model.new_pass().forward({"input": np.ones((2, 3))}, training=training)
    assert model.params["bad/w"] == 1


def test_buffers_are_written_in_passes_for_training_alone(bad) -> None:
    model = Model([bad(fault="counts what it sees")], input_shape=(3,), dtype="float64")
    model.new_pass().forward({"input": np.ones((2, 3))}, training=True)
    assert model.buffers["bad/seen"] == 1
    with pytest.raises(PluginError, match="read-only"):
        model.new_pass(training=False).forward({"input": np.ones((2, 3))}, training=True)
    assert model.buffers["bad/seen"] == 1


def test_a_pass_sees_what_the_optimizer_writes(scale) -> None:
    model = Model([scale()], input_shape=(3,), dtype="float64")
    run = model.new_pass()
    model.params["scale/w"] = [3]
    assert run.forward({"input": np.ones((1, 3))}, training=True)["scale"].tolist() == [[3] * 3]


def test_assigning_to_a_gradient_s_name_writes_it() -> None:
    views = Views({"w": np.zeros(3)})
    held = views["w"]
    views["w"] = [1, 2, 3]
    assert held.tolist() == [1, 2, 3]
    with pytest.raises(KeyError):
        views["v"] = 1
