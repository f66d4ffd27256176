"""A pass has memory of its own, and uses it again."""

from __future__ import annotations

import numpy as np
import pytest

import mlpk
from mlpk import GraphError, Input, Model

dense = mlpk.layers.dense


def network() -> Model:
    layers = [dense(units=4), "batch_norm", "relu", {"kind": "dropout", "rate": 0.5}]
    return Model([*layers, dense(units=2)], input_shape=(3,), seed=0)


def test_two_passes_do_not_meet() -> None:
    model = network()
    one, two = model.new_pass(training=False), model.new_pass(training=False)
    rng = np.random.default_rng(0)
    a, b = rng.random((5, 3), np.float32), rng.random((5, 3), np.float32)
    first = one.forward({"input": a}, training=False)["dense_1"]
    held = first.copy()
    second = two.forward({"input": b}, training=False)["dense_1"]
    assert not np.shares_memory(first, second)
    assert np.array_equal(first, held)
    assert not np.array_equal(first, second)


def test_a_batch_of_another_size_gives_what_a_fresh_pass_gives(spoiled) -> None:
    model = network()
    run = model.new_pass()
    for rows in (8, 3, 8, 20, 2):
        x = np.random.default_rng(rows).random((rows, 3), np.float32)
        fresh = spoiled(model)
        found = run.forward({"input": x}, training=False)["dense_1"]
        assert np.array_equal(found, fresh.forward({"input": x}, training=False)["dense_1"])


def test_in_steady_state_the_output_lies_where_it_lay() -> None:
    model = network()
    run = model.new_pass()
    x = np.ones((5, 3), np.float32)
    first = run.forward({"input": x}, training=True)["dense_1"]
    assert np.shares_memory(first, run.forward({"input": x}, training=True)["dense_1"])


def test_random_numbers_go_by_step_and_node_and_not_by_pass() -> None:
    model, x = network(), np.random.default_rng(0).random((50, 3), np.float32)
    one, two = model.new_pass(), model.new_pass()
    found = [one.forward({"input": x}, training=True)["dense_1"].copy() for _ in range(3)]
    assert one.step == 3
    two.step = 1
    assert np.array_equal(two.forward({"input": x}, training=True)["dense_1"], found[1])
    assert not np.array_equal(found[0], found[1])


def test_evaluation_draws_nothing_and_counts_nothing() -> None:
    model = network()
    run = model.new_pass()
    for _ in range(2):
        run.forward({"input": np.ones((5, 3), np.float32)}, training=False)
    assert run.step == 0
    assert all(context._rng is None for context in run.contexts.values())


def test_two_nodes_of_one_layer_do_not_share_scratch(spoiled, check_gradients) -> None:
    layer = mlpk.layers.tanh()
    model = Model([layer, layer], input_shape=(3,), dtype="float64")
    check_gradients(model, spoiled(model), training=True)


def test_a_gradient_is_written_where_it_stays_unless_it_is_shared(made) -> None:
    x, layer = Input((3,), name="x"), dense(units=3)
    a = layer(x, name="a")
    model = made(x, layer(dense(units=3)(a, name="b"), share=a, name="c"))
    run = model.new_pass()
    for stage in run._stages:
        for local, name in stage.node.params.items():
            stays = np.shares_memory(stage.grads[local], model.grads[name])
            assert stays == (stage.node.name == "b")


def test_what_it_was_given_can_be_forgotten() -> None:
    model = network()
    run = model.new_pass()
    run.forward({"input": np.ones((5, 3), np.float32)}, training=True)
    run.forget()
    with pytest.raises(GraphError, match="no forward came before it"):
        run.output_shape("dense_1")
