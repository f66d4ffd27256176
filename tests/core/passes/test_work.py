"""What nobody reads is not computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import Input, Model
from mlpk.passes import Pass


@pytest.fixture
def back(scale) -> Callable[..., list[str]]:
    """Return what goes back over a pass, and tells what is called there."""

    def go(run: Pass, *, inputs: bool = False, frozen: tuple[str, ...] = ()) -> list[str]:
        scale.calls.clear()
        run.prepare_backward(inputs=inputs, frozen=frozen)
        output = run.graph.outputs[0]
        run.backward({output: np.ones(run.output_shape(output))})
        assert set(scale.calls.values()) <= {1}
        return sorted(scale.calls)

    return go


def chain(*layers: Any) -> tuple[Model, Pass]:
    """Return a network of layers, and a pass of it that has gone forward."""
    model = Model(layers, input_shape=(3,), dtype="float64", seed=0)
    run = model.new_pass()
    run.forward({"input": np.ones((2, 3))}, training=True)
    return model, run


def test_the_input_s_gradient_is_computed_if_it_is_asked_for(scale, back) -> None:
    _, run = chain(scale(label="a"), scale(label="b"))
    assert back(run) == ["a backward", "b backward", "b dx"]
    assert back(run, inputs=True) == ["a backward", "a dx", "b backward", "b dx"]


def test_before_frozen_nodes_the_way_back_ends(scale, back) -> None:
    model, run = chain(scale(label="a"), scale(label="b"), scale(label="c"))
    assert back(run, frozen=("scale", "scale_1")) == ["c backward"]
    assert model.grads["scale_2/w"] == 6
    assert not model.grads["scale/w"].any()
    assert not model.grads["scale_1/w"].any()
    assert back(run, frozen=("scale",)) == ["b backward", "c backward", "c dx"]
    assert back(run, frozen=("scale_1",)) == [
        "a backward", "b backward", "b dx", "c backward", "c dx"
    ]  # fmt: skip
    assert back(run, frozen=("scale", "scale_1", "scale_2")) == []
    assert back(run, inputs=True, frozen=("scale", "scale_1", "scale_2")) == [
        "a backward", "a dx", "b backward", "b dx", "c backward", "c dx"
    ]  # fmt: skip


def test_parameters_that_are_not_trainable_count_as_frozen(scale, back) -> None:
    _, run = chain(scale(label="a", trainable=False), scale(label="b"))
    assert back(run) == ["b backward"]


def test_a_branch_without_parameters_is_not_gone_back_over(made, scale) -> None:
    x = Input((3,), name="x")
    plain = mlpk.layers.tanh()(x, name="plain")
    trained = scale(label="a")(x, name="trained")
    model = made(x, mlpk.layers.multiply()(plain, trained, name="out"))
    run = model.new_pass()
    run.forward({"x": np.ones((2, 3))}, training=True)
    run.prepare_backward(inputs=False)
    assert run.contexts["plain"].needs_input_grad == (False,)
    assert run.contexts["out"].needs_input_grad == (False, True)
    assert run.contexts["trained"].needs_input_grad == (False,)
    assert run.backward({"out": np.ones((2, 3))}) == {}


def test_a_gradient_that_nobody_asked_for_goes_nowhere(bad) -> None:
    model = Model([bad(fault="")], input_shape=(3,), dtype="float64")
    run = model.new_pass()
    run.forward({"input": np.ones((2, 3))}, training=True)
    run.prepare_backward(inputs=False)
    assert run.backward({"bad": np.ones((2, 3))}) == {}
    run.prepare_backward(inputs=True)
    assert list(run.backward({"bad": np.ones((2, 3))})) == ["input"]


def test_whole_numbers_have_no_gradient(made, scale) -> None:
    x, k = Input((3,), name="x"), Input((), dtype="int64", name="k")
    rows = mlpk.layers.embedding(entries=2, units=3)(k, name="rows")
    model = made([x, k], mlpk.layers.add()(scale()(x), rows, name="out"))
    run = model.new_pass()
    run.forward({"x": np.ones((2, 3)), "k": np.ones(2, int)}, training=True)
    assert run.contexts["rows"].needs_input_grad == (False,)
    assert run.contexts["out"].needs_input_grad == (True, True)
    assert list(run.backward({"out": np.ones((2, 3))})) == ["x"]
