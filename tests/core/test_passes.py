from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mlpk
from mlpk import (
    Buffer,
    Context,
    Declaration,
    Example,
    GraphError,
    Input,
    Layer,
    Model,
    Param,
    PluginError,
    ShapeError,
    define,
)
from mlpk.arrays import Array, Arrays, Grads, Views
from mlpk.passes import Pass
from mlpk.symbol import Symbol
from mlpk_schemas.records import plain

dense = mlpk.layers.dense
tanh = mlpk.layers.tanh
add = mlpk.layers.add


@define
class Scale(Layer):
    """y = w * x, with one weight; it counts how often each of its ways is gone."""

    kind: ClassVar[str] = "scale"
    calls: ClassVar[Counter[str]] = Counter()

    label: str = "scale"
    trainable: bool = True

    def declare(self, x: Any) -> Declaration:
        return Declaration(x, {"w": Param((1,), "ones", trainable=self.trainable)})

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        self.calls[f"{self.label} forward"] += 1
        return np.multiply(x, arrays["w"], out=ctx.empty("y", x.shape)), x

    def backward(
        self, arrays: Arrays, ctx: Context, x: Array, dy: Array, grads: Grads
    ) -> Array | None:
        self.calls[f"{self.label} backward"] += 1
        grads["w"][0] = np.vdot(x, dy)
        if not ctx.needs_input_grad[0]:
            return None
        self.calls[f"{self.label} dx"] += 1
        return np.multiply(dy, arrays["w"], out=ctx.empty("dx", x.shape))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,), linear=True)


@define
class Bad(Layer):
    """Does one of the things that no layer may do."""

    kind: ClassVar[str] = "bad"

    fault: str

    def declare(self, x: Any) -> Declaration:
        return Declaration(x, {"w": Param((1,), "ones")}, {"seen": Buffer((1,), 0.0)})

    def forward(self, arrays: Any, ctx: Context, x: Array) -> tuple[Array, None]:
        if self.fault == "writes its parameter":
            arrays["w"][...] = 2
        if self.fault == "forgets what is saved":
            return x  # type: ignore[return-value] # the fault
        if self.fault == "gives another shape":
            return np.zeros((len(x), 7)), None
        if self.fault == "writes its input":
            x *= 2
        if self.fault == "counts what it sees":
            arrays["seen"] += 1
        return x, None

    def backward(self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads) -> Any:
        grads["w"].fill(0)
        if self.fault == "has no gradient":
            return None
        if self.fault == "gives a row too few":
            return dy[1:]
        return (dy, dy) if self.fault == "returns two gradients" else dy

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(fault=""), (3,))


def made(inputs: Any, outputs: Any, **options: Any) -> Model:
    return Model(inputs=inputs, outputs=outputs, dtype="float64", seed=1, **options)


def spoiled(model: Model) -> Pass:
    """Return a training pass whose scratch memory is full of NaN whenever it is handed out."""
    return Pass(model.graph, model.storage, model.seed, training=True, spoil=True)


def drawn(model: Model, rows: int = 4, seed: int = 0) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {
        name: rng.standard_normal((rows, *[5 if n is None else n for n in spec.shape]))
        for name, spec in model.graph.inputs.items()
    }


def weighed(model: Model, outputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return fixed random gradients of the outputs."""
    rng = np.random.default_rng(9)
    return {name: rng.standard_normal(outputs[name].shape) for name in model.graph.outputs}


def differences(value: Callable[[], float], array: Array) -> Array:
    """Return d value / d array by central differences."""
    step, found = 1e-6, np.empty_like(array)
    for place in np.ndindex(array.shape):
        held = array[place]
        array[place] = held + step
        above = value()
        array[place] = held - step
        below = value()
        array[place] = held
        found[place] = (above - below) / (2 * step)
    return found


def check_gradients(model: Model, run: Pass, *, training: bool) -> None:
    """Compare every gradient that a pass gives, of parameters and inputs, with differences."""
    inputs = drawn(model)

    def value() -> float:
        run.step = 0
        outputs = run.forward(inputs, training=training)
        return sum(float((outputs[name] * d).sum()) for name, d in weights.items())

    run.step = 0
    weights = weighed(model, run.forward(inputs, training=training))
    found = {name: grad.copy() for name, grad in run.backward(weights).items()}
    params = {name: grad.copy() for name, grad in model.grads.items()}
    for name, array in model.params.items():
        assert np.allclose(params[name], differences(value, array), rtol=1e-6, atol=1e-7), name
    for name, array in inputs.items():
        assert np.allclose(found[name], differences(value, array), rtol=1e-6, atol=1e-7), name


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
def test_gradients_agree_with_differences(model: Model, training: bool) -> None:
    check_gradients(model, spoiled(model), training=training)


class TestSums:
    """What core adds up, so that layers need not."""

    def test_an_output_with_several_consumers(self) -> None:
        x = Input((3,), name="x")
        h = dense(units=3)(x, name="h")
        outputs = add()(add()(h, tanh()(h)), add()(h, h))
        model = made(x, outputs)
        check_gradients(model, spoiled(model), training=False)

    def test_an_output_that_others_go_on_from(self) -> None:
        x = Input((3,), name="x")
        a = dense(units=3)(x, name="a")
        b = tanh()(a, name="b")
        model = made(x, [a, b, add()(b, a)])
        check_gradients(model, spoiled(model), training=False)

    def test_an_input_with_several_consumers(self) -> None:
        x = Input((3,), name="x")
        model = made(x, add()(x, tanh()(x), x))
        check_gradients(model, spoiled(model), training=False)

    def test_arrays_that_several_nodes_share(self) -> None:
        x, layer = Input((3,), name="x"), dense(units=3)
        a = layer(x)
        b = layer(tanh()(a), share=a)
        model = made(x, layer(b, share=b))
        check_gradients(model, spoiled(model), training=False)

    def test_two_arrays_of_one_node_that_are_one(self) -> None:
        x = Input((3,), name="x")
        spec = plain(made(x, mlpk.layers.batch_norm()(x)).spec)
        spec["nodes"][0]["params"]["beta"] = "batch_norm/gamma"
        model = Model.from_spec(spec, seed=0)
        assert list(model.params) == ["batch_norm/gamma"]
        check_gradients(model, spoiled(model), training=True)

    def test_one_input_of_two_networks_branches(self) -> None:
        a, b = Input((3,), name="a"), Input((2,), name="b")
        joined = mlpk.layers.concatenate()(dense(units=2)(a), tanh()(b))
        model = made([a, b], [dense(units=1)(joined), joined])
        check_gradients(model, spoiled(model), training=False)

    def test_backward_writes_and_does_not_add(self) -> None:
        x, layer = Input((3,), name="x"), dense(units=3)
        a = layer(x)
        model = made(x, layer(a, share=a))
        run, inputs = spoiled(model), drawn(model)
        doutputs = weighed(model, run.forward(inputs, training=True))
        found = [
            (run.backward(doutputs)["x"].copy(), model.grads["dense/weight"].copy())
            for _ in range(3)
        ]
        for again in found[1:]:
            assert np.array_equal(again[0], found[0][0])
            assert np.array_equal(again[1], found[0][1])

    def test_an_output_left_out_adds_nothing(self) -> None:
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

    def test_nothing_that_is_handed_over_is_changed(self) -> None:
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


class TestWork:
    """What nobody reads is not computed."""

    @pytest.fixture(autouse=True)
    def _start_counting(self) -> None:
        Scale.calls.clear()

    def chain(self, *layers: Any) -> tuple[Model, Pass]:
        model = Model(layers, input_shape=(3,), dtype="float64", seed=0)
        run = model.new_pass()
        run.forward({"input": np.ones((2, 3))}, training=True)
        Scale.calls.clear()
        return model, run

    def back(self, run: Pass, *, inputs: bool = False, frozen: tuple[str, ...] = ()) -> list[str]:
        """Return what is called on the way back."""
        Scale.calls.clear()
        run.prepare_backward(inputs=inputs, frozen=frozen)
        output = run.graph.outputs[0]
        run.backward({output: np.ones(run.output_shape(output))})
        assert set(Scale.calls.values()) <= {1}
        return sorted(Scale.calls)

    def test_the_input_s_gradient_is_computed_if_it_is_asked_for(self) -> None:
        _, run = self.chain(Scale(label="a"), Scale(label="b"))
        assert self.back(run) == ["a backward", "b backward", "b dx"]
        assert self.back(run, inputs=True) == ["a backward", "a dx", "b backward", "b dx"]

    def test_before_frozen_nodes_the_way_back_ends(self) -> None:
        model, run = self.chain(Scale(label="a"), Scale(label="b"), Scale(label="c"))
        assert self.back(run, frozen=("scale", "scale_1")) == ["c backward"]
        assert model.grads["scale_2/w"] == 6
        assert not model.grads["scale/w"].any()
        assert not model.grads["scale_1/w"].any()
        assert self.back(run, frozen=("scale",)) == ["b backward", "c backward", "c dx"]
        assert self.back(run, frozen=("scale_1",)) == [
            "a backward", "b backward", "b dx", "c backward", "c dx"
        ]  # fmt: skip
        assert self.back(run, frozen=("scale", "scale_1", "scale_2")) == []
        assert self.back(run, inputs=True, frozen=("scale", "scale_1", "scale_2")) == [
            "a backward", "a dx", "b backward", "b dx", "c backward", "c dx"
        ]  # fmt: skip

    def test_parameters_that_are_not_trainable_count_as_frozen(self) -> None:
        _, run = self.chain(Scale(label="a", trainable=False), Scale(label="b"))
        assert self.back(run) == ["b backward"]

    def test_a_branch_without_parameters_is_not_gone_back_over(self) -> None:
        x = Input((3,), name="x")
        plain = tanh()(x, name="plain")
        trained = Scale(label="a")(x, name="trained")
        model = made(x, mlpk.layers.multiply()(plain, trained, name="out"))
        run = model.new_pass()
        run.forward({"x": np.ones((2, 3))}, training=True)
        run.prepare_backward(inputs=False)
        assert run.contexts["plain"].needs_input_grad == (False,)
        assert run.contexts["out"].needs_input_grad == (False, True)
        assert run.contexts["trained"].needs_input_grad == (False,)
        assert run.backward({"out": np.ones((2, 3))}) == {}

    def test_a_gradient_that_nobody_asked_for_goes_nowhere(self) -> None:
        model = Model([Bad(fault="")], input_shape=(3,), dtype="float64")
        run = model.new_pass()
        run.forward({"input": np.ones((2, 3))}, training=True)
        run.prepare_backward(inputs=False)
        assert run.backward({"bad": np.ones((2, 3))}) == {}
        run.prepare_backward(inputs=True)
        assert list(run.backward({"bad": np.ones((2, 3))})) == ["input"]

    def test_whole_numbers_have_no_gradient(self) -> None:
        x, k = Input((3,), name="x"), Input((), dtype="int64", name="k")
        rows = mlpk.layers.embedding(entries=2, units=3)(k, name="rows")
        model = made([x, k], add()(Scale()(x), rows, name="out"))
        run = model.new_pass()
        run.forward({"x": np.ones((2, 3)), "k": np.ones(2, int)}, training=True)
        assert run.contexts["rows"].needs_input_grad == (False,)
        assert run.contexts["out"].needs_input_grad == (True, True)
        assert list(run.backward({"out": np.ones((2, 3))})) == ["x"]


class TestMemory:
    """A pass has memory of its own, and uses it again."""

    def network(self) -> Model:
        layers = [dense(units=4), "batch_norm", "relu", {"kind": "dropout", "rate": 0.5}]
        return Model([*layers, dense(units=2)], input_shape=(3,), seed=0)

    def test_two_passes_do_not_meet(self) -> None:
        model = self.network()
        one, two = model.new_pass(training=False), model.new_pass(training=False)
        rng = np.random.default_rng(0)
        a, b = rng.random((5, 3), np.float32), rng.random((5, 3), np.float32)
        first = one.forward({"input": a}, training=False)["dense_1"]
        held = first.copy()
        second = two.forward({"input": b}, training=False)["dense_1"]
        assert not np.shares_memory(first, second)
        assert np.array_equal(first, held)
        assert not np.array_equal(first, second)

    def test_a_batch_of_another_size_gives_what_a_fresh_pass_gives(self) -> None:
        model = self.network()
        run = model.new_pass()
        for rows in (8, 3, 8, 20, 2):
            x = np.random.default_rng(rows).random((rows, 3), np.float32)
            fresh = Pass(model.graph, model.storage, model.seed, training=True, spoil=True)
            found = run.forward({"input": x}, training=False)["dense_1"]
            assert np.array_equal(found, fresh.forward({"input": x}, training=False)["dense_1"])

    def test_in_steady_state_the_output_lies_where_it_lay(self) -> None:
        model = self.network()
        run = model.new_pass()
        x = np.ones((5, 3), np.float32)
        first = run.forward({"input": x}, training=True)["dense_1"]
        assert np.shares_memory(first, run.forward({"input": x}, training=True)["dense_1"])

    def test_random_numbers_go_by_step_and_node_and_not_by_pass(self) -> None:
        model, x = self.network(), np.random.default_rng(0).random((50, 3), np.float32)
        one, two = model.new_pass(), model.new_pass()
        found = [one.forward({"input": x}, training=True)["dense_1"].copy() for _ in range(3)]
        assert one.step == 3
        two.step = 1
        assert np.array_equal(two.forward({"input": x}, training=True)["dense_1"], found[1])
        assert not np.array_equal(found[0], found[1])

    def test_evaluation_draws_nothing_and_counts_nothing(self) -> None:
        model = self.network()
        run = model.new_pass()
        for _ in range(2):
            run.forward({"input": np.ones((5, 3), np.float32)}, training=False)
        assert run.step == 0
        assert all(context._rng is None for context in run.contexts.values())

    def test_two_nodes_of_one_layer_do_not_share_scratch(self) -> None:
        layer = tanh()
        model = Model([layer, layer], input_shape=(3,), dtype="float64")
        check_gradients(model, spoiled(model), training=True)

    def test_a_gradient_is_written_where_it_stays_unless_it_is_shared(self) -> None:
        x, layer = Input((3,), name="x"), dense(units=3)
        a = layer(x, name="a")
        model = made(x, layer(dense(units=3)(a, name="b"), share=a, name="c"))
        run = model.new_pass()
        for stage in run._stages:
            for local, name in stage.node.params.items():
                stays = np.shares_memory(stage.grads[local], model.grads[name])
                assert stays == (stage.node.name == "b")

    def test_what_it_was_given_can_be_forgotten(self) -> None:
        model = self.network()
        run = model.new_pass()
        run.forward({"input": np.ones((5, 3), np.float32)}, training=True)
        run.forget()
        with pytest.raises(GraphError, match="no forward came before it"):
            run.output_shape("dense_1")


class TestWriters:
    """One writer per kind of state."""

    def network(self, fault: str) -> Model:
        return Model([Bad(fault=fault)], input_shape=(3,), dtype="float64")

    @pytest.mark.parametrize("training", [True, False])
    def test_no_layer_writes_a_parameter(self, training: bool) -> None:
        model = self.network("writes its parameter")
        with pytest.raises(PluginError, match="read-only"):
            model.new_pass().forward({"input": np.ones((2, 3))}, training=training)
        assert model.params["bad/w"] == 1

    def test_buffers_are_written_in_passes_for_training_alone(self) -> None:
        model = self.network("counts what it sees")
        model.new_pass().forward({"input": np.ones((2, 3))}, training=True)
        assert model.buffers["bad/seen"] == 1
        with pytest.raises(PluginError, match="read-only"):
            model.new_pass(training=False).forward({"input": np.ones((2, 3))}, training=True)
        assert model.buffers["bad/seen"] == 1

    def test_a_pass_sees_what_the_optimizer_writes(self) -> None:
        model = Model([Scale()], input_shape=(3,), dtype="float64")
        run = model.new_pass()
        model.params["scale/w"] = [3]
        assert run.forward({"input": np.ones((1, 3))}, training=True)["scale"].tolist() == [[3] * 3]


def test_a_layer_returns_one_gradient_an_input() -> None:
    model = Model([Bad(fault="returns two gradients")], input_shape=(3,), dtype="float64")
    run = model.new_pass()
    run.forward({"input": np.ones((2, 3))}, training=True)
    with pytest.raises(
        ShapeError, match=r"node 'bad' \(bad\), backward: wanted one gradient an input, 1"
    ):
        run.backward({"bad": np.ones((2, 3))})


class TestGradientsThatSomebodyReads:
    """None is for a gradient that nobody reads; what is read has the shape of its input."""

    def test_none_is_refused_where_a_node_before_learns_from_it(self) -> None:
        model = Model(
            [Scale(), Bad(fault="has no gradient").named("x")], input_shape=(3,), dtype="float64"
        )
        model.forward(np.ones((2, 3)), training=True)
        wanted = r"node 'x' \(bad\), backward: wanted the gradient of its input 'scale', .* None"
        with pytest.raises(ShapeError, match=wanted):
            model.backward(np.ones((2, 3)))

    def test_none_is_refused_where_the_gradient_of_the_input_is_asked_for(self) -> None:
        model = Model([Bad(fault="has no gradient")], input_shape=(3,), dtype="float64")
        model.forward(np.ones((2, 3)), training=True)
        model.backward(np.ones((2, 3)))
        with pytest.raises(ShapeError, match="the gradient of its input 'input'"):
            model.backward(np.ones((2, 3)), inputs=True)

    def test_another_shape_is_refused(self) -> None:
        model = Model(
            [Scale(), Bad(fault="gives a row too few").named("x")],
            input_shape=(3,),
            dtype="float64",
        )
        model.forward(np.ones((2, 3)), training=True)
        wanted = r"node 'x' \(bad\), backward: .* 'scale' in the shape \(2, 3\), found \(1, 3\)"
        for _ in range(2):
            with pytest.raises(ShapeError, match=wanted):
                model.backward(np.ones((2, 3)))


class TestFaults:
    """What a layer does wrong is told with its node, the first time it runs."""

    @pytest.mark.parametrize(
        ("fault", "sentence"),
        [
            (
                "forgets what is saved",
                r"node 'x' \(bad\), forward: wanted \(output, saved\), found",
            ),
            (
                "gives another shape",
                r"forward: declared was the shape \(rows, \*\(3,\)\), found \(2, 7\)",
            ),
        ],
    )
    def test_what_forward_returns_is_looked_at(self, fault: str, sentence: str) -> None:
        model = Model([Bad(fault=fault).named("x")], input_shape=(3,), dtype="float64")
        with pytest.raises(ShapeError, match=sentence):
            model.predict(np.zeros((2, 3)))

    def test_what_was_passed_in_cannot_be_written_to(self) -> None:
        given = np.ones((2, 3))
        model = Model([Bad(fault="writes its input")], input_shape=(3,), dtype="float64")
        for call in (model.predict, model.forward):
            with pytest.raises(PluginError, match=r"^node 'bad' \(bad\), forward: .* read-only"):
                call(given)
        assert given.tolist() == [[1, 1, 1], [1, 1, 1]]


def test_assigning_to_a_gradient_s_name_writes_it() -> None:
    views = Views({"w": np.zeros(3)})
    held = views["w"]
    views["w"] = [1, 2, 3]
    assert held.tolist() == [1, 2, 3]
    with pytest.raises(KeyError):
        views["v"] = 1


def test_a_shape_that_shows_only_with_data_is_told_with_its_node() -> None:
    model = Model(
        ["relu", {"kind": "conv1d", "filters": 2, "kernel_size": 4}], input_shape=(None, 3)
    )
    with pytest.raises(ShapeError, match=r"^node 'conv1d' \(conv1d\): wanted a window no larger"):
        model.predict(np.ones((2, 3, 3)))


def test_more_memory_than_there_is_is_told_with_its_node() -> None:
    model = Model([{"kind": "repeat", "times": 10**14}], input_shape=(4,))
    with pytest.raises(ShapeError, match=r"^node 'repeat' .* takes .* GiB, more memory than there"):
        model.predict(np.ones((2, 4)))


@define
class Stumbles(Layer):
    """y = x, going wrong by accident, or on purpose, on one of its ways."""

    kind: ClassVar[str] = "stumbles"
    errors: ClassVar[dict[str, Exception]] = {
        "index": IndexError("list index out of range"),
        "shape": ShapeError("wanted something else"),
        "memory": MemoryError("too much"),
    }

    way: str = "forward"
    error: str = "index"

    def declare(self, x: Any) -> Declaration:
        return Declaration(x, {"w": Param((1,), "ones")})

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        if self.way == "forward":
            raise self.errors[self.error]
        return x.copy(), x

    def backward(
        self, arrays: Arrays, ctx: Context, x: Array, dy: Array, grads: Grads
    ) -> Array | None:
        raise self.errors[self.error]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        return iter(())


@pytest.mark.parametrize("way", ["forward", "backward"])
def test_whatever_goes_wrong_in_a_layer_is_told_with_its_node(way: str) -> None:
    def there_and_back(error: str) -> None:
        model = Model(["relu", Stumbles(way=way, error=error).named("mine")], input_shape=(3,))
        model.backward(model.forward(np.ones((2, 3)), training=True))

    Stumbles.errors["memory"] = MemoryError("too much")
    sentence = f"node 'mine' (stumbles), {way}: IndexError: list index out of range"
    with pytest.raises(PluginError, match=f"^{re.escape(sentence)}$") as caught:
        there_and_back("index")
    assert caught.value.__cause__ is Stumbles.errors["index"]
    with pytest.raises(MemoryError, match=re.escape(f"in node 'mine' (stumbles), {way}.")):
        there_and_back("memory")
    with pytest.raises(ShapeError, match=r"^node 'mine' \(stumbles\): wanted something else$"):
        there_and_back("shape")


@define
class Wavers(Layer):
    """y = x, until it is told to return something else than (output, saved)."""

    kind: ClassVar[str] = "wavers"
    returns: ClassVar[list[Any]] = []

    def declare(self, x: Any) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> Any:
        return self.returns.pop() if self.returns else (x, None)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads
    ) -> Array | None:
        return dy

    @classmethod
    def examples(cls) -> Iterator[Example]:
        return iter(())


def test_what_is_no_output_later_on_is_told_with_its_node_too() -> None:
    model, x = Model([Wavers().named("mine")], input_shape=(3,)), np.ones((2, 3), np.float32)
    run = model.new_pass()
    run.forward({"input": x}, training=True)
    Wavers.returns.append((x, None, None))
    with pytest.raises(PluginError, match=r"^node 'mine' \(wavers\), forward: .* unpack"):
        run.forward({"input": x}, training=True)
