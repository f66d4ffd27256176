from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mlpk
from mlpk import ConfigError, DataError, GraphError, Input, MlpkError, Model, ShapeError

dense = mlpk.layers.dense
RNG = np.random.default_rng(0)
X = RNG.standard_normal((20, 3)).astype(np.float32)


def two_layers(**options: Any) -> Model:
    """Return dense(4), sigmoid, dense(2)."""
    layers = [dense(units=4), "sigmoid", dense(units=2)]
    return Model(layers, **{"input_shape": (3,), "seed": 0, "dtype": "float64", **options})


def mixed() -> Model:
    """Return a network with every sort of state: running statistics and dropout."""
    layers = [dense(units=8), "batch_norm", "relu", {"kind": "dropout", "rate": 0.5}]
    return Model([*layers, dense(units=2)], input_shape=(3,), seed=0)


def two_ended() -> Model:
    """Return two inputs and two outputs: sum = A a + B b, and A a itself."""
    a, b = Input((3,), name="a"), Input((2,), name="b")
    left = dense(units=2, bias=False)(a, name="left")
    right = dense(units=2, bias=False)(b, name="right")
    total = mlpk.layers.add()(left, right, name="total")
    return Model(inputs=[a, b], outputs=[total, left], seed=0, dtype="float64")


class TestByHand:
    """A two-layer network against its formulas, written out in plain NumPy."""

    def test_forward_and_backward(self) -> None:
        model = two_layers()
        w1, b1, w2, b2 = (
            model.params[name]
            for name in ("dense/weight", "dense/bias", "dense_1/weight", "dense_1/bias")
        )
        b1[:], b2[:] = [0.1, -0.2, 0.3, 0.0], [1.0, -1.0]
        x, t = X.astype(float), RNG.standard_normal((20, 2))
        h = 1 / (1 + np.exp(-(x @ w1 + b1)))
        y = h @ w2 + b2
        assert np.allclose(model.forward(x, training=True), y, rtol=1e-13)
        dy = 2 * (y - t) / y.size
        dz = (dy @ w2.T) * h * (1 - h)
        dx = model.backward(dy, inputs=True)
        assert np.allclose(model.grads["dense_1/weight"], h.T @ dy, rtol=1e-12)
        assert np.allclose(model.grads["dense_1/bias"], dy.sum(axis=0), rtol=1e-12)
        assert np.allclose(model.grads["dense/weight"], x.T @ dz, rtol=1e-12)
        assert np.allclose(model.grads["dense/bias"], dz.sum(axis=0), rtol=1e-12)
        assert np.allclose(dx, dz @ w1.T, rtol=1e-12)

    def test_a_loop_of_one_s_own(self) -> None:
        model, y = two_layers(), np.arange(20) % 2
        params = {name: array.copy() for name, array in model.params.items()}
        loss = mlpk.losses.softmax_cross_entropy()
        optimizer = mlpk.optimizers.sgd(lr=0.5).attach(model)
        x, target = X.astype(float), np.eye(2)[y]
        losses = []
        for _ in range(5):
            logits = model.forward(x, training=True)
            value, dlogits = loss(logits, y)
            losses.append(value)
            assert model.backward(dlogits) is None
            optimizer.step()
        for step in range(5):
            w1, b1, w2, b2 = params.values()
            h = 1 / (1 + np.exp(-(x @ w1 + b1)))
            z = h @ w2 + b2
            p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
            assert np.isclose(losses[step], -np.log(p[np.arange(20), y]).mean(), rtol=1e-12)
            dz = (p - target) / 20
            dh = (dz @ w2.T) * h * (1 - h)
            w1 -= 0.5 * x.T @ dh
            b1 -= 0.5 * dh.sum(axis=0)
            w2 -= 0.5 * h.T @ dz
            b2 -= 0.5 * dz.sum(axis=0)
        for name, array in model.params.items():
            assert np.allclose(array, params[name], rtol=1e-11)

    def test_weights_set_by_hand(self) -> None:
        model = Model([dense(units=2), "relu"], input_shape=(2,), dtype="float64")
        model.params["dense/weight"] = [[1, -1], [2, 1]]
        model.params["dense/bias"] = [0, -4]
        x = np.array([[1, 2], [-3, 1]])
        assert model.predict(x).tolist() == [[5, 0], [0, 0]]
        assert model.predict(np.array([[1, 6]])).tolist() == [[13, 1]]
        model.forward(np.array([[1, 6], [1, 2]]))
        assert model.backward(np.ones((2, 2)), inputs=True).tolist() == [[0, 3], [1, 2]]
        assert model.grads["dense/weight"].tolist() == [[2, 1], [8, 6]]
        assert model.grads["dense/bias"].tolist() == [2, 1]


class TestForward:
    """The pass itself, for those who write their own loop."""

    def test_the_output_is_the_caller_s_own(self) -> None:
        model = mixed()
        first = model.forward(X)
        held = first.copy()
        model.forward(X + 1)
        assert np.array_equal(first, held)
        first[:] = 0
        assert np.array_equal(model.forward(X), held)

    def test_so_is_the_gradient_of_the_input(self) -> None:
        model = two_layers()
        model.forward(X)
        first = model.backward(np.ones((20, 2)), inputs=True)
        held = first.copy()
        model.backward(np.zeros((20, 2)), inputs=True)
        assert np.array_equal(first, held)

    def test_nothing_that_is_handed_over_is_changed(self) -> None:
        model = Model(["identity", dense(units=3), "relu"], input_shape=(3,), seed=0)
        x, d = X.copy(), np.ones((20, 3), np.float32)
        for array in (x, d):
            array.flags.writeable = False
        model.forward(x, training=True)
        model.backward(d, inputs=True)
        model.predict(x)
        assert np.array_equal(x, X)

    def test_an_output_that_is_the_input_is_a_copy(self) -> None:
        model = Model(["identity"], input_shape=(3,))
        for output in (model.forward(X), model.predict(X)):
            assert np.array_equal(output, X)
            assert not np.shares_memory(output, X)

    def test_training_is_an_argument_and_nothing_remembers_it(self) -> None:
        model = mixed()
        before = model.forward(X)
        mean = model.buffers["batch_norm/running_mean"].copy()
        assert not np.array_equal(model.forward(X, training=True), before)
        assert not np.array_equal(model.buffers["batch_norm/running_mean"], mean)
        after = model.forward(X)
        assert np.array_equal(model.forward(X), after)
        assert np.allclose(model.predict(X), after, rtol=1e-5, atol=1e-6)

    def test_backward_follows_an_evaluation_forward_too(self) -> None:
        model = mixed()
        model.forward(X, training=True)
        model.forward(X)
        model.backward(np.ones((20, 2)))
        assert model.grads["dense_1/bias"].tolist() == [20, 20]

    def test_rows_may_change_from_call_to_call(self) -> None:
        model = two_layers()
        for rows in (20, 3, 20, 1):
            model.forward(X[:rows])
            model.backward(np.ones((rows, 2)))
            assert model.grads["dense_1/bias"].tolist() == [rows, rows]

    @pytest.mark.parametrize(
        "layout",
        [
            np.asfortranarray,
            lambda array: np.repeat(array, 2, axis=0)[::2],
            lambda array: np.repeat(array, 2, axis=1)[:, ::2],
            lambda array: array[::-1].copy()[::-1],
            lambda array: array.astype(">f4"),
            lambda array: array.astype("float64"),
        ],
    )
    def test_how_an_array_lies_in_memory_makes_no_difference(self, layout: Any) -> None:
        model, doutput = mixed(), RNG.standard_normal((20, 2)).astype(np.float32)
        found = []
        for x, d in ((X, doutput), (layout(X), layout(doutput))):
            run = copy.deepcopy(model)
            found.append([run.forward(x, training=True), run.backward(d, inputs=True)])
            found[-1] += [run.predict(x), *run.grads.values(), *run.buffers.values()]
        for here, there in zip(*found, strict=True):
            assert np.allclose(here, there, rtol=1e-4, atol=1e-5)

    def test_a_gradient_of_any_number_type_will_do(self) -> None:
        model = two_layers(dtype="float32")
        model.forward(X)
        found = []
        for dtype in ("float32", "float64", "int64", "bool"):
            model.backward(np.ones((20, 2), dtype))
            found.append(model.grads["dense/weight"].copy())
            assert found[-1].dtype == np.float32
        assert all(np.array_equal(grad, found[0]) for grad in found)

    @pytest.mark.parametrize(
        ("doutput", "sentence"),
        [
            (np.ones((20, 3)), "doutput of 'dense_1': wanted the output's shape (20, 2), found"),
            (np.ones((19, 2)), "doutput of 'dense_1': wanted the output's shape (20, 2), found"),
            (np.ones(2), "doutput of 'dense_1': wanted the output's shape (20, 2), found (2,)"),
            (1.0, "doutput: wanted rows on the first axis, found a single number"),
            ([[1.0, 1.0]] * 20, "doutput: wanted an array, found a list"),
            (np.ones((20, 2), complex), "doutput: wanted real numbers, found dtype complex128"),
            (np.full((20, 2), None), "doutput: wanted real numbers, found dtype object"),
            ({"dense": np.ones((20, 4))}, "doutput['dense']: wanted one of ('dense_1',)"),
        ],
    )
    def test_a_gradient_that_does_not_fit_is_refused(self, doutput: Any, sentence: str) -> None:
        model = two_layers()
        model.forward(X)
        with pytest.raises(MlpkError) as caught:
            model.backward(doutput)
        assert str(caught.value).startswith(sentence)

    def test_backward_needs_a_forward(self) -> None:
        with pytest.raises(GraphError, match="no forward came before it"):
            two_layers().backward(np.ones((20, 2)))
        model = two_layers()
        model.predict(X)
        with pytest.raises(GraphError, match="no forward came before it"):
            model.backward(np.ones((20, 2)))

    def test_whole_numbers_have_no_gradient(self) -> None:
        model = Model(["identity"], input_shape=(3,), input_dtype="int64")
        model.forward(np.ones((2, 3), int))
        assert model.backward(np.ones((2, 3)), inputs=True) is None


class TestSeveral:
    """Several inputs and outputs, by name."""

    A, B = RNG.standard_normal((5, 3)), RNG.standard_normal((5, 2))

    def test_they_come_and_go_as_dicts(self) -> None:
        model, x = two_ended(), {"b": self.B, "a": self.A}
        left, right = self.A @ model.params["left/weight"], self.B @ model.params["right/weight"]
        for found in (model.predict(x), model.forward(x), model.predict(x, batch_size=2)):
            assert list(found) == ["total", "left"]
            assert np.allclose(found["total"], left + right, rtol=1e-12)
            assert np.allclose(found["left"], left, rtol=1e-12)

    def test_gradients_too(self) -> None:
        model = two_ended()
        model.forward({"a": self.A, "b": self.B})
        dtotal, dleft = RNG.standard_normal((5, 2)), RNG.standard_normal((5, 2))
        found = model.backward({"left": dleft, "total": dtotal}, inputs=True)
        assert list(found) == ["a", "b"]
        both = dtotal + dleft
        assert np.allclose(found["a"], both @ model.params["left/weight"].T, rtol=1e-12)
        assert np.allclose(found["b"], dtotal @ model.params["right/weight"].T, rtol=1e-12)
        assert np.allclose(model.grads["left/weight"], self.A.T @ both, rtol=1e-12)
        assert np.allclose(model.grads["right/weight"], self.B.T @ dtotal, rtol=1e-12)

    def test_gradients_of_inputs_come_only_if_asked_for(self) -> None:
        model = two_ended()
        model.forward({"a": self.A, "b": self.B})
        assert model.backward({"left": np.ones((5, 2))}) is None
        assert model.training_pass().contexts["left"].needs_input_grad == (False,)
        model.backward({"left": np.ones((5, 2))}, inputs=True)
        assert model.training_pass().contexts["left"].needs_input_grad == (True,)

    def test_an_output_may_be_left_out_on_the_way_back(self) -> None:
        model = two_ended()
        model.forward({"a": self.A, "b": self.B})
        found = model.backward({"left": np.ones((5, 2))}, inputs=True)
        assert list(found) == ["a"]
        assert not model.grads["right/weight"].any()

    def test_the_only_one_may_come_by_its_name(self) -> None:
        model = two_layers()
        assert np.array_equal(model.predict({"input": X}), model.predict(X))
        model.forward(X)
        model.backward({"dense_1": np.ones((20, 2))})
        assert model.grads["dense_1/bias"].tolist() == [20, 20]

    @pytest.mark.parametrize(
        ("x", "sentence"),
        [
            (A, 'x: wanted a dict of arrays, {"a": ..., "b": ...}, found '),
            ((A, B), 'x: wanted a dict of arrays, {"a": ..., "b": ...}, found '),
            ([A, B], 'x: wanted a dict of arrays, {"a": ..., "b": ...}, found '),
            ({"a": A}, "x['b']: is missing from the dict"),
            ({"a": A, "b": B, "c": B}, "x['c']: there is no 'c'; wanted ['a', 'b']."),
            ({"a": B, "b": B}, "x['a']: wanted shape (rows, 3), found (5, 2)"),
            ({"a": A, "b": B[:4]}, "x: wanted the same number of rows everywhere, found"),
            ({"a": A, "b": [[1.0, 2.0]]}, "x['b']: wanted an array, found a list"),
        ],
    )
    def test_what_does_not_fit_is_named(self, x: Any, sentence: str) -> None:
        for call in (two_ended().predict, two_ended().forward):
            with pytest.raises(MlpkError) as caught:
                call(x)
            assert str(caught.value).startswith(sentence)

    def test_several_gradients_want_names(self) -> None:
        model = two_ended()
        model.forward({"a": self.A, "b": self.B})
        with pytest.raises(DataError, match=r'doutput: wanted a dict of arrays, {"total": ..., "l'):
            model.backward(np.ones((5, 2)))


class TestPredict:
    """The output in evaluation mode, in batches, from any thread."""

    @settings(deadline=None)
    @given(st.integers(1, 25), st.integers(1, 20))
    def test_batches_make_no_difference(self, batch_size: int, rows: int) -> None:
        model = two_layers()
        whole = model.predict(X[:rows])
        assert np.allclose(model.predict(X[:rows], batch_size=batch_size), whole, rtol=1e-12)
        assert whole.shape == (rows, 2)
        assert whole.dtype == np.float64

    @pytest.mark.parametrize(
        ("x", "error", "sentence"),
        [
            ([[1.0, 2.0, 3.0]], DataError, "x: wanted an array, found a list"),
            (np.ones(3), ShapeError, "x: wanted shape (rows, 3), found (3,); put the one row"),
            (np.ones((2, 4)), ShapeError, "x: wanted shape (rows, 3), found (2, 4)"),
            (np.ones((2, 3, 1)), ShapeError, "x: wanted shape (rows, 3), found (2, 3, 1)"),
            (np.ones((0, 3)), DataError, "x: wanted at least one row, found none"),
            (np.array([[1, 2, None]]), DataError, "x: wanted real numbers, found dtype object"),
            (np.ones((2, 3), complex), DataError, "x: wanted real numbers, found dtype complex"),
            ("abc", DataError, "x: wanted real numbers, found dtype <U3"),
            (None, DataError, "x: wanted real numbers, found dtype object, such as None"),
            (3, ShapeError, "x: wanted rows on the first axis, found a single number"),
        ],
    )
    def test_what_is_no_data_is_refused(
        self, x: Any, error: type[Exception], sentence: str
    ) -> None:
        for call in (two_layers().predict, two_layers().forward):
            with pytest.raises(error) as caught:
                call(x)
            assert str(caught.value).startswith(sentence)

    def test_whole_numbers_become_the_model_s_floats(self) -> None:
        model, x = two_layers(dtype="float32"), np.arange(6).reshape(2, 3)
        wanted = model.predict(x.astype(np.float32))
        for dtype in ("uint8", "int64", "float64", "float16", ">f4"):
            found = model.predict(x.astype(dtype))
            assert found.dtype == np.float32
            assert np.array_equal(found, wanted)

    def test_an_input_of_whole_numbers_takes_no_fractions(self) -> None:
        model = Model(["identity"], input_shape=(3,), input_dtype="int64")
        with pytest.raises(DataError, match="the input 'input' wants dtype int64, found float32"):
            model.predict(X)

    @pytest.mark.parametrize("batch_size", [0, -1, True, 2.0, "2", None])
    def test_a_batch_is_a_whole_number_of_rows(self, batch_size: Any) -> None:
        with pytest.raises(ConfigError, match=r"^batch_size: wanted a whole number from 1, found"):
            two_layers().predict(X, batch_size=batch_size)
        with pytest.raises(ConfigError, match=r"^batch_size: wanted a whole number from 1, found"):
            two_layers().evaluate(X, X, loss="mean_squared_error", batch_size=batch_size)

    def test_a_length_that_varies_is_taken_as_it_comes(self) -> None:
        model = Model([dense(units=2)], input_shape=(None, 3), seed=0)
        for length in (4, 1, 6):
            assert model.predict(np.ones((2, length, 3))).shape == (2, length, 2)

    def test_the_memory_of_one_call_serves_the_next(self) -> None:
        model = two_layers()
        for _ in range(3):
            model.predict(X)
        assert len(model._prediction._idle) == 1

    def test_threads_do_not_meet(self) -> None:
        model = mixed()
        model.forward(X, training=True)
        inputs = [np.random.default_rng(i).random((64, 3), np.float32) for i in range(8)]
        wanted = [model.predict(x) for x in inputs]
        faults: list[Any] = []
        start = threading.Barrier(len(inputs))

        def work(x: Any, want: Any) -> None:
            start.wait()
            for size in (64, 7, 13) * 5:
                found = model.predict(x, batch_size=size)
                if not np.allclose(found, want, rtol=1e-4, atol=1e-6):
                    faults.append(found)

        threads = [
            threading.Thread(target=work, args=pair) for pair in zip(inputs, wanted, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not faults

    def test_a_call_that_fails_spoils_nothing(self) -> None:
        model = Model([dense(units=2)], input_shape=(None, 3), seed=0)
        wanted = model.predict(np.ones((2, 4, 3)))
        with pytest.raises(ShapeError):
            model.predict(np.ones((2, 3, 4)))
        assert np.array_equal(model.predict(np.ones((2, 4, 3))), wanted)

    def test_data_are_let_go_of(self) -> None:
        model, x = mixed(), np.ones((4, 3), np.float32)
        seen = weakref.ref(x)
        model.predict(x)
        del x
        gc.collect()
        assert seen() is None

    def test_it_changes_no_state(self) -> None:
        model = mixed()
        before = mlpk.dumps(model)
        model.predict(X)
        assert mlpk.dumps(model) == before


class TestSubmodel:
    """A part of a network, on the same arrays."""

    def test_it_gives_what_that_node_gives(self) -> None:
        model = two_layers()
        h = 1 / (1 + np.exp(-(X @ model.params["dense/weight"] + model.params["dense/bias"])))
        part = model.submodel("sigmoid")
        assert np.allclose(part.predict(X), h, rtol=1e-6)
        assert list(part.params) == ["dense/weight", "dense/bias"]
        assert list(part.spec.outputs) == ["sigmoid"]

    def test_arrays_and_gradients_are_shared(self) -> None:
        model = two_layers()
        part = model.submodel(output="dense")
        assert part.params["dense/weight"] is model.params["dense/weight"]
        model.params["dense/weight"][:] = 0
        assert np.allclose(part.predict(X), model.params["dense/bias"])
        part.forward(X, training=True)
        part.backward(np.ones((20, 4)))
        assert model.grads["dense/bias"].tolist() == [20] * 4
        assert not model.grads["dense_1/bias"].any()

    def test_training_the_part_trains_the_whole(self) -> None:
        model = two_layers()
        held = {name: array.copy() for name, array in model.params.items()}
        part = model.submodel("dense")
        part.forward(X, training=True)
        part.backward(np.ones((20, 4)))
        mlpk.optimizers.sgd(lr=1.0).attach(part).step()
        assert np.allclose(model.params["dense/bias"], held["dense/bias"] - 20)
        assert np.array_equal(model.params["dense_1/bias"], held["dense_1/bias"])

    def test_buffers_are_shared(self) -> None:
        model = mixed()
        model.submodel("batch_norm").forward(X, training=True)
        mean = (X @ model.params["dense/weight"]).mean(axis=0)
        assert np.allclose(model.buffers["batch_norm/running_mean"], 0.1 * mean, atol=1e-6)

    def test_several_outputs_and_a_part_of_a_part(self) -> None:
        model = two_layers()
        parts = model.submodel(["sigmoid", "dense"])
        found = parts.predict(X)
        assert list(found) == ["sigmoid", "dense"]
        assert np.allclose(found["sigmoid"], 1 / (1 + np.exp(-found["dense"])))
        assert np.array_equal(parts.submodel("dense").predict(X), found["dense"])

    def test_inputs_that_lead_elsewhere_are_left_out(self) -> None:
        part = two_ended().submodel("left")
        assert list(part.graph.inputs) == ["a"]
        assert part.predict(np.ones((1, 3))).shape == (1, 2)

    @pytest.mark.parametrize(
        ("output", "sentence"),
        [
            ("dens", "there is no node 'dens'. Did you mean 'dense'?"),
            ("input", "there is no node 'input'."),
            ([], "a network needs at least one output, found none"),
            (["dense", "dense"], "an output is named twice: dense, dense"),
            (3, "output: wanted the name of a node, or a list of them, found 3 (int)"),
            (None, "output: wanted the name of a node, or a list of them, found None"),
        ],
    )
    def test_what_is_no_node_is_told(self, output: Any, sentence: str) -> None:
        with pytest.raises(MlpkError) as caught:
            two_layers().submodel(output)
        assert str(caught.value).startswith(sentence)


class TestCopies:
    """Models pickle and copy through the bytes of a file."""

    @pytest.mark.parametrize(
        "again", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
    )
    def test_a_copy_is_the_same_and_its_own(self, again: Any) -> None:
        model = mixed()
        model.forward(X, training=True)
        model.meta = {"a": "b"}
        other = again(model)
        assert (other.spec, other.seed, other.meta) == (model.spec, model.seed, model.meta)
        assert np.array_equal(other.predict(X), model.predict(X))
        before = model.predict(X)
        other.params["dense/weight"][:] = 0
        other.buffers["batch_norm/running_mean"][:] = 9
        other.meta["a"] = "c"
        assert np.array_equal(model.predict(X), before)
        assert model.meta == {"a": "b"}

    def test_a_copy_trains_like_the_original(self) -> None:
        model = mixed()
        other = copy.deepcopy(model)
        for one in (model, other):
            one.forward(X, training=True)
            one.backward(np.ones((20, 2)))
            mlpk.optimizers.sgd(lr=0.1).attach(one).step()
        for name, array in model.params.items():
            assert np.array_equal(array, other.params[name])


class TestSpec:
    """What a model is, written down."""

    def test_it_builds_the_model_again(self) -> None:
        model = mixed()
        again = Model.from_spec(model.spec, seed=0)
        assert again.spec == model.spec
        assert np.array_equal(again.predict(X), model.predict(X))
        assert not np.array_equal(Model.from_spec(model.spec, seed=1).predict(X), model.predict(X))

    def test_the_seed_is_kept_and_without_one_it_is_drawn(self) -> None:
        assert two_layers(seed=7).seed == 7
        assert Model(["relu"], input_shape=(3,)).seed != Model(["relu"], input_shape=(3,)).seed
        one, two = two_layers(seed=None), two_layers(seed=None)
        assert not np.array_equal(one.predict(X), two.predict(X))
        assert np.array_equal(two_layers(seed=one.seed).predict(X), one.predict(X))

    @pytest.mark.parametrize("seed", [-1, 1.5, True, "0", 2**63])
    def test_a_wrong_seed_is_refused(self, seed: Any) -> None:
        with pytest.raises(ConfigError, match=r"^seed: wanted"):
            two_layers(seed=seed)

    def test_all_fields_are_in_it_defaults_too(self) -> None:
        node = mixed().spec.nodes[1]
        assert node.id == "batch_norm"
        assert dict(node.config) == {
            "momentum": 0.9,
            "eps": 1e-5,
            "unbiased_running_var": False,
            "trainable": True,
            "frozen_stats": False,
        }

    def test_it_is_shown_in_a_line(self) -> None:
        assert repr(two_layers()) == (
            "<Model input(3,) -> dense_1: 3 nodes, 26 parameters, float64>"
        )
        assert repr(two_ended()).startswith("<Model a(3,), b(2,) -> total, left: 3 nodes")


class TestPasses:
    """Passes for those who interleave several."""

    def test_another_pass_does_not_disturb_the_model_s(self) -> None:
        model = two_layers()
        model.forward(X)
        other = model.new_pass()
        other.forward({"input": X[:3].astype(float)}, training=True)
        model.backward(np.ones((20, 2)))
        assert model.grads["dense_1/bias"].tolist() == [20, 20]

    def test_each_training_forward_drops_others(self) -> None:
        model = Model([{"kind": "dropout", "rate": 0.5}], input_shape=(100,), seed=0)
        ones = np.ones((10, 100), np.float32)
        first, second = model.forward(ones, training=True), model.forward(ones, training=True)
        assert set(np.unique(first)) == {0, 2}
        assert not np.array_equal(first, second)
        again = Model([{"kind": "dropout", "rate": 0.5}], input_shape=(100,), seed=0)
        assert np.array_equal(again.forward(ones, training=True), first)

    def test_runs_have_seeds_of_their_own_the_first_the_model_s(self) -> None:
        model, other = two_layers(seed=5), two_layers(seed=5)
        seeds = [model.next_seed() for _ in range(3)]
        assert seeds[0] == 5
        assert len(set(seeds)) == 3
        assert [other.next_seed() for _ in range(3)] == seeds


def test_a_loop_of_one_s_own_after_a_run_with_frozen_nodes_computes_all() -> None:
    model = two_layers()
    options: dict[str, Any] = {"loss": "mean_squared_error", "optimizer": "sgd", "progress": False}
    model.fit(X, X[:, :2], frozen=["dense"], **options)
    assert not model.grads["dense/weight"].any()
    model.forward(X, training=True)
    model.backward(np.ones((20, 2)))
    assert model.grads["dense/weight"].all()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("runs", [0, 1, 2])
def test_a_copy_trains_as_the_model_does(copied: Callable[[Model], Model], runs: int) -> None:
    y = (X[:, 0] > 0).astype(int)
    options: dict[str, Any] = {
        "loss": "softmax_cross_entropy", "optimizer": "adam", "batch_size": 4, "progress": False,
    }  # fmt: skip
    model = two_layers()
    for _ in range(runs):
        model.fit(X, y, **options)
    other = copied(model)
    for _ in range(2):
        assert other.fit(X, y, **options).metrics == model.fit(X, y, **options).metrics
    assert other.seed == model.seed


def test_training_goes_on_where_a_model_was_saved(tmp_path: Path) -> None:
    model, y = two_layers(dtype="float32"), (X[:, 0] > 0).astype(int)
    before = model.evaluate(X, y, loss="softmax_cross_entropy")["loss"]
    model.fit(X, y, loss="softmax_cross_entropy", optimizer="adam", epochs=2, progress=False)
    model.save(tmp_path / "a.mlpk")
    again = mlpk.load(tmp_path / "a.mlpk")
    assert again.evaluate(X, y, loss="softmax_cross_entropy")["loss"] < before
