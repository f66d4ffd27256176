"""What core adds up, so that layers need not."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mlpk
from mlpk import Input, Model
from mlpk.symbol import Symbol
from mlpk_schemas.records import plain

dense = mlpk.layers.dense
tanh = mlpk.layers.tanh
add = mlpk.layers.add


@st.composite
def networks(draw: st.DrawFn) -> Model:
    """Return a random smooth graph: several consumers, several outputs, shared layers and arrays."""
    placed: list[Symbol] = [Input((3,), name=f"x{i}") for i in range(draw(st.integers(1, 2)))]
    inputs = placed[:]
    owners: list[Symbol] = []
    for place in range(draw(st.integers(len(inputs), 6))):
        feed = inputs[place] if place < len(inputs) else draw(st.sampled_from(placed))
        other = draw(st.sampled_from(placed))
        what = draw(st.sampled_from(["dense", "tanh", "add", "multiply", "batch_norm", "dropout"]))
        if what == "dense":
            made = dense(units=3)(feed, share=draw(st.sampled_from([None, *owners])))
            owners.append(made)
        elif what == "dropout":
            made = mlpk.layers.dropout(rate=0.5)(feed)
        elif what in ("add", "multiply"):
            made = mlpk.layers[what]()(feed, other)
        else:
            made = mlpk.layers[what]()(feed)
        placed.append(made)
    used = {feed for symbol in placed for feed in symbol.inputs}
    ends = [symbol for symbol in placed if symbol.layer is not None and symbol not in used]
    within = [symbol for symbol in owners if symbol not in ends][:1]
    return Model(inputs=inputs, outputs=[*ends, *within], dtype="float64", seed=2)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(networks(), st.booleans())
def test_gradients_agree_with_differences(
    spoiled, check_gradients, model: Model, training: bool
) -> None:
    check_gradients(model, spoiled(model), training=training)


def test_an_output_with_several_consumers(made, spoiled, check_gradients) -> None:
    x = Input((3,), name="x")
    h = dense(units=3)(x, name="h")
    outputs = add()(add()(h, tanh()(h)), add()(h, h))
    model = made(x, outputs)
    check_gradients(model, spoiled(model), training=False)


def test_an_output_that_others_go_on_from(made, spoiled, check_gradients) -> None:
    x = Input((3,), name="x")
    a = dense(units=3)(x, name="a")
    b = tanh()(a, name="b")
    model = made(x, [a, b, add()(b, a)])
    check_gradients(model, spoiled(model), training=False)


def test_an_input_with_several_consumers(made, spoiled, check_gradients) -> None:
    x = Input((3,), name="x")
    model = made(x, add()(x, tanh()(x), x))
    check_gradients(model, spoiled(model), training=False)


def test_arrays_that_several_nodes_share(made, spoiled, check_gradients) -> None:
    x, layer = Input((3,), name="x"), dense(units=3)
    a = layer(x)
    b = layer(tanh()(a), share=a)
    model = made(x, layer(b, share=b))
    check_gradients(model, spoiled(model), training=False)


def test_two_arrays_of_one_node_that_are_one(made, spoiled, check_gradients) -> None:
    x = Input((3,), name="x")
    spec = plain(made(x, mlpk.layers.batch_norm()(x)).spec)
    spec["nodes"][0]["params"]["beta"] = "batch_norm/gamma"
    model = Model.from_spec(spec, seed=0)
    assert list(model.params) == ["batch_norm/gamma"]
    check_gradients(model, spoiled(model), training=True)


def test_one_input_of_two_networks_branches(made, spoiled, check_gradients) -> None:
    a, b = Input((3,), name="a"), Input((2,), name="b")
    joined = mlpk.layers.concatenate()(dense(units=2)(a), tanh()(b))
    model = made([a, b], [dense(units=1)(joined), joined])
    check_gradients(model, spoiled(model), training=False)


def test_backward_writes_and_does_not_add(made, spoiled, drawn, weighed) -> None:
    x, layer = Input((3,), name="x"), dense(units=3)
    a = layer(x)
    model = made(x, layer(a, share=a))
    run, inputs = spoiled(model), drawn(model)
    doutputs = weighed(model, run.forward(inputs, training=True))
    found = [
        (run.backward(doutputs)["x"].copy(), model.grads["dense/weight"].copy()) for _ in range(3)
    ]
    for again in found[1:]:
        assert np.array_equal(again[0], found[0][0])
        assert np.array_equal(again[1], found[0][1])


def test_an_output_left_out_adds_nothing(made, spoiled, drawn) -> None:
    x = Input((3,), name="x")
    a = dense(units=3)(x, name="a")
    b = dense(units=2)(a, name="b")
    model = made(x, [a, b])
    run = spoiled(model)
    outputs = run.forward(drawn(model), training=True)
    run.backward({name: np.ones_like(output) for name, output in outputs.items()})
    assert model.grads["b/weight"].any()
    run.backward({"a": np.ones_like(outputs["a"])})
    assert not model.grads["b/weight"].any()
    assert not model.grads["b/bias"].any()
    assert model.grads["a/bias"].tolist() == [4, 4, 4]
    assert run.backward({}) == {}
    assert not any(grad.any() for grad in model.grads.values())


def test_nothing_that_is_handed_over_is_changed(made, spoiled, drawn, weighed) -> None:
    x = Input((3,), name="x")
    h = tanh()(x)
    model = made(x, [add()(h, x), h])
    run, inputs = spoiled(model), drawn(model)
    for array in inputs.values():
        array.flags.writeable = False
    outputs = run.forward(inputs, training=True)
    doutputs = weighed(model, outputs)
    held = {name: array.copy() for name, array in doutputs.items()}
    for array in doutputs.values():
        array.flags.writeable = False
    run.backward(doutputs)
    assert all(np.array_equal(doutputs[name], held[name]) for name in held)
