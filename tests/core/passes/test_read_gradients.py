"""One gradient an input: None for what nobody reads, and the input's shape for what is read."""

from __future__ import annotations

import numpy as np
import pytest

from mlpk import Model, ShapeError


def test_a_layer_returns_one_gradient_an_input(bad) -> None:
    model = Model([bad(fault="returns two gradients")], input_shape=(3,), dtype="float64")
    run = model.new_pass()
    run.forward({"input": np.ones((2, 3))}, training=True)
    with pytest.raises(
        ShapeError, match=r"node 'bad' \(bad\), backward: wanted one gradient an input, 1"
    ):
        run.backward({"bad": np.ones((2, 3))})


def test_none_is_refused_where_a_node_before_learns_from_it(scale, bad) -> None:
    model = Model(
        [scale(), bad(fault="has no gradient").named("x")], input_shape=(3,), dtype="float64"
    )
    model.forward(np.ones((2, 3)), training=True)
    wanted = r"node 'x' \(bad\), backward: wanted the gradient of its input 'scale', .* None"
    with pytest.raises(ShapeError, match=wanted):
        model.backward(np.ones((2, 3)))


def test_none_is_refused_where_the_gradient_of_the_input_is_asked_for(bad) -> None:
    model = Model([bad(fault="has no gradient")], input_shape=(3,), dtype="float64")
    model.forward(np.ones((2, 3)), training=True)
    model.backward(np.ones((2, 3)))
    with pytest.raises(ShapeError, match="the gradient of its input 'input'"):
        model.backward(np.ones((2, 3)), inputs=True)


def test_another_shape_is_refused(scale, bad) -> None:
    model = Model(
        [scale(), bad(fault="gives a row too few").named("x")],
        input_shape=(3,),
        dtype="float64",
    )
    model.forward(np.ones((2, 3)), training=True)
    wanted = r"node 'x' \(bad\), backward: .* 'scale' in the shape \(2, 3\), found \(1, 3\)"
    for _ in range(2):
        with pytest.raises(ShapeError, match=wanted):
            model.backward(np.ones((2, 3)))
