"""mlpk gradcheck: right networks pass, a gradient that is wrong is found and named."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import mlpk
from mlpk import Buffer, Declaration, Example, Input, Layer, Model, Param, catalog, define
from mlpk.cli import main
from mlpk_plugins.commands.parts.gradients import findings

layers = mlpk.layers
Check = Callable[..., Result]
MODES = ((), ("--training",))


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Return what saves a model and calls the command."""

    def call(model: Model | None, *arguments: object) -> Result:
        path = tmp_path / "m.mlpk"
        if model is not None:  # else the one before
            model.save(path, durable=False)
        given = [str(each) for each in ("gradcheck", path, *arguments)]
        return CliRunner().invoke(main, given, catch_exceptions=False)

    return call


@pytest.fixture(autouse=True)
def own_catalog() -> Iterator[None]:
    """Put the catalog in force back when the test is over."""
    held = catalog.current()
    yield
    catalog.swap(lambda _: held)


def rows(result: Result) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return (kind, error, left out, ok) by (node, array)."""
    head, rule, *lines = result.stdout.splitlines()
    assert head.split("  ")[0].strip() == "node"
    places, start = [], 0
    for dashes in rule.split("  "):
        places.append(slice(start, start + len(dashes)))
        start += len(dashes) + 2
    table = [[line[place].strip() for place in places] for line in lines]
    return {(node, array): (kind, *rest) for node, kind, array, *rest in table}


@define
class Scaled(Layer):
    """y = w * x + b with a gradient that is `slip` times too long: of w, b or x."""

    kind = "scaled"

    wrong: str = ""
    slip: float = 1.001
    only_training: bool = False
    fixed: bool = False

    def declare(self, x):
        w = Param((x[-1],), "ones", trainable=not self.fixed)
        return Declaration(x, {"w": w, "b": Param((x[-1],), "zeros")})

    def forward(self, arrays, ctx, x):
        return x * arrays["w"] + arrays["b"], x

    def backward(self, arrays, ctx, x, dy, grads):
        slip = self.slip if ctx.training or not self.only_training else 1.0
        grads["w"] = (x * dy).sum(0) * (slip if self.wrong == "w" else 1)
        grads["b"] = dy.sum(0)
        if self.wrong == "b":
            grads["b"][-1] *= slip
        return (
            None if self.wrong == "none" else dy * arrays["w"] * (slip if self.wrong == "x" else 1)
        )

    @classmethod
    def examples(cls):
        yield Example(cls(), (3,))


@define
class Counted(Layer):
    """y = n * x in the n-th training forward, for x below 1000."""

    kind = "counted"

    def declare(self, x):
        return Declaration(x, buffers={"n": Buffer((), 0)})

    def check(self, x):
        if x.max() >= 1000:
            raise mlpk.DataError("wanted numbers below 1000")

    def forward(self, arrays, ctx, x):
        if ctx.training:
            arrays["n"] += 1
        return x * arrays["n"], float(arrays["n"])

    def backward(self, arrays, ctx, n, dy, grads):
        return dy * n

    @classmethod
    def examples(cls):
        yield Example(cls(), (3,))


def planted(**fields: Any) -> Model:
    mlpk.plugins.add(Scaled)
    nodes = [layers.dense(units=6), "tanh", Scaled(**fields).named("odd"), layers.dense(units=2)]
    return Model(nodes, input_shape=(4,), seed=1)


def classifier() -> Model:
    nodes = ["flatten", layers.dense(units=12), "batch_norm", "relu", layers.dropout(rate=0.5)]
    return Model([*nodes, layers.dense(units=3), "softmax"], input_shape=(4, 4, 1), seed=0)


def pictures() -> Model:
    first, second = (layers.conv2d(filters=n, kernel_size=(3, 3)) for n in (4, 6))
    pool = layers.max_pool2d(kernel_size=(2, 2))
    nodes = [first, "batch_norm", "relu", pool, second, "relu", "global_average_pool2d"]
    return Model([*nodes, layers.dense(units=3)], input_shape=(None, None, 2), seed=0)


def words() -> Model:
    nodes = [layers.embedding(entries=30, units=4), layers.lstm(units=5), layers.dense(units=2)]
    return Model(nodes, input_shape=(None,), input_dtype="int64", seed=0)


def shared() -> Model:
    x, y = Input((3,), name="x"), Input((3,), name="y")
    first = layers.dense(units=3)(x, name="first")
    again = layers.dense(units=3)(first, name="again", share=first)
    both = layers.multiply()(again, again, name="square")
    return Model(inputs=[x, y], outputs=[layers.add()(both, y, name="sum"), first], seed=0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("made", "checked"),
    [
        (classifier, {("dense", "weight"), ("batch_norm", "gamma"), ("dropout", "input relu")}),
        (pictures, {("conv2d", "weight"), ("max_pool2d", "input relu"), ("conv2d_1", "bias")}),
        (words, {("embedding", "weight"), ("lstm", "recurrent"), ("lstm", "input embedding")}),
        (shared, {("first", "weight"), ("again", "weight"), ("square", "input again")}),
    ],
)
def test_right_networks_pass(
    check: Check, made: Callable[[], Model], checked: set[tuple[str, str]], mode: tuple[str, ...]
) -> None:
    result = check(made(), *mode)
    assert (result.exit_code, result.stderr) == (0, "")
    found = rows(result)
    assert found.keys() >= checked
    assert {row[-1] for row in found.values()} == {"yes"}
    assert max(float(row[1]) for row in found.values()) < 1e-7


def test_every_layer_that_comes_with_mlpk_passes(tmp_path: Path) -> None:
    path = str(tmp_path / "m.mlpk")
    for item in catalog.current().brought:
        if item.family != "layers":
            continue
        example = next(iter(item.thing.examples()))
        drawn = [np.asarray(x) for x in example.inputs(np.random.default_rng(0), 1)]
        inputs = [
            Input(shape, dtype=None if x.dtype.kind == "f" else x.dtype)
            for x, shape in zip(drawn, example.input_shapes, strict=True)
        ]
        Model(inputs=inputs, outputs=example.instance(*inputs), seed=0).save(path, durable=False)
        for training in (False, True):
            found = findings(path, 5, 0, None, training=training)
            assert {each.state for each in found} <= {"yes"}, (item.kind, training, found)


@pytest.mark.filterwarnings("ignore::mlpk.errors.PortabilityWarning")
@pytest.mark.parametrize(
    ("fields", "array"),
    [
        ({"wrong": "w"}, "w"),
        ({"wrong": "b"}, "b"),  # in one of six
        ({"wrong": "x"}, "input tanh"),
        ({"wrong": "w", "slip": 0.0}, "w"),
        ({"wrong": "x", "slip": 1e200}, "input tanh"),  # its length overflows
    ],
)
def test_a_wrong_gradient_is_found_and_its_node_named(
    check: Check, fields: dict[str, Any], array: str
) -> None:
    result = check(planted(**fields))
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line == f"Error: 1 of 10 gradients are wrong: odd ({array})"
    found = rows(result)
    assert [key for key, row in found.items() if row[-1] != "yes"] == [("odd", array)]
    assert found["odd", array][0] == "_local:scaled"


@pytest.mark.filterwarnings("ignore::mlpk.errors.PortabilityWarning")
def test_a_gradient_that_is_not_there_is_told_with_its_node(check: Check) -> None:
    result = check(planted(wrong="none"))
    assert result.exit_code == 2
    assert "node 'odd' (scaled), backward: wanted the gradient of its input" in result.stderr


@pytest.mark.filterwarnings("ignore::mlpk.errors.PortabilityWarning")
def test_the_same_without_a_fault_passes(check: Check) -> None:
    assert check(planted()).exit_code == 0


@pytest.mark.filterwarnings("ignore::mlpk.errors.PortabilityWarning")
def test_what_is_wrong_in_training_alone_shows_in_training(check: Check) -> None:
    model = planted(wrong="w", only_training=True)
    assert check(model).exit_code == 0
    assert check(model, "--training").exit_code == 1


@pytest.mark.filterwarnings("ignore::mlpk.errors.PortabilityWarning")
def test_the_error_grows_with_the_slip(tmp_path: Path) -> None:
    """It is |slip - 1| times what the draws make of it, over a length that hardly changes."""
    errors = []
    for slip in (1.001, 1.01):
        planted(wrong="w", slip=slip).save(tmp_path / "m.mlpk", durable=False)
        found = findings(str(tmp_path / "m.mlpk"), 5, 0, None, training=False)
        errors += [each.error for each in found if each.state == "no"]
    assert errors[1] == pytest.approx(10 * errors[0], rel=0.01)
    assert 1e-5 < errors[0] < 5e-3


@pytest.mark.filterwarnings("ignore::mlpk.errors.PortabilityWarning")
def test_what_a_layer_remembers_is_the_same_each_time(check: Check) -> None:
    mlpk.plugins.add(Counted)
    found = rows(check(Model(["counted"], input_shape=(3,)), "--training"))
    assert found["counted", "input input"][2:] == ("", "yes")


@pytest.mark.filterwarnings("ignore::mlpk.errors.PortabilityWarning")
def test_layers_look_at_the_rows_of_a_file_first(check: Check, tmp_path: Path) -> None:
    mlpk.plugins.add(Counted)
    np.save(tmp_path / "x.npy", np.full((2, 3), 1000.0))
    result = check(Model(["counted"], input_shape=(3,)), "--input", tmp_path / "x.npy")
    assert result.exit_code == 2
    assert "node 'counted': wanted numbers below 1000" in result.stderr


@pytest.mark.filterwarnings("ignore::mlpk.errors.PortabilityWarning")
def test_an_array_that_is_not_trained_has_no_gradient(check: Check) -> None:
    result = check(planted(wrong="w", fixed=True))
    assert result.exit_code == 0
    assert ("odd", "b") in rows(result)
    assert ("odd", "w") not in rows(result)


@pytest.mark.filterwarnings("ignore::mlpk.errors.PortabilityWarning")
def test_large_inputs_move_by_more(check: Check, tmp_path: Path) -> None:
    """Otherwise rounding would hide the fault."""
    mlpk.plugins.add(Scaled)
    np.save(tmp_path / "x.npy", 1e6 * np.random.default_rng(0).standard_normal((5, 3)))
    model = Model([Scaled(wrong="x")], input_shape=(3,))
    assert check(model, "--input", tmp_path / "x.npy").exit_code == 1


def test_slopes_that_rounding_hides_are_no_faults(check: Check, tmp_path: Path) -> None:
    """The slope of a sigmoid is 2e-9 at 20, where its value is 1."""
    np.save(tmp_path / "x.npy", np.full((5, 3), 20.0))
    model = Model(["sigmoid"], input_shape=(3,))
    assert check(model, "--input", tmp_path / "x.npy").exit_code == 0


def test_in_training_a_node_is_fed_what_training_feeds_it(check: Check) -> None:
    """Nine of ten are dropped, and there a relu bends."""
    model = Model([layers.dropout(rate=0.9), "relu"], input_shape=(1000,), seed=0)
    assert rows(check(model))["relu", "input dropout"][2] == ""
    left_out = rows(check(model, "--training"))["relu", "input dropout"][2]
    assert abs(float(left_out.rstrip("%")) - 90) < 3


def test_outputs_that_bend_are_left_out(check: Check) -> None:
    """Of a half that a relu made 0, a second one has no slope; a maximum of four has, mostly."""
    nodes = ["relu", layers.relu().named("again"), layers.max_pool1d(kernel_size=4)]
    result = check(Model(nodes, input_shape=(400, 3), seed=0))
    assert result.exit_code == 0
    found = rows(result)
    assert found["relu", "input input"][2] == ""
    assert abs(float(found["again", "input relu"][2].rstrip("%")) - 50) < 3
    assert abs(float(found["max_pool1d", "input again"][2].rstrip("%")) - 100 / 16) < 2


def test_where_all_bend_nothing_is_said(check: Check, tmp_path: Path) -> None:
    np.save(tmp_path / "zeros.npy", np.zeros((3, 2)))
    result = check(Model(["relu"], input_shape=(2,)), "--input", tmp_path / "zeros.npy")
    assert result.exit_code == 0
    assert rows(result) == {("relu", "input input"): ("relu", "-", "100.0%", "unclear")}


def test_weights_that_are_no_numbers_are_no_success(check: Check) -> None:
    model = Model([layers.dense(units=2)], input_shape=(2,), seed=0)
    model.params["dense/weight"][:] = np.nan
    result = check(model)
    assert result.exit_code == 1
    assert rows(result)["dense", "weight"][1:] == ("inf", "", "no")


def test_the_weights_are_those_of_the_file(check: Check) -> None:
    """A dead relu has a gradient of 0, and says so; one that lives does not."""
    model = Model([layers.dense(units=2), "relu"], input_shape=(2,), seed=0)
    model.params["dense/bias"][:] = -1000
    assert rows(check(model))["relu", "input dense"][1] == "0.0e+00"
    model.params["dense/bias"][:] = 1000
    assert rows(check(model))["relu", "input dense"][1] != "0.0e+00"


def test_rows_of_a_file_are_taken(check: Check, tmp_path: Path) -> None:
    model = words()
    np.save(tmp_path / "x.npy", np.array([[1, 2, 3], [4, 5, 6]]))
    assert check(model, "--input", tmp_path / "x.npy").exit_code == 0
    np.save(tmp_path / "x.npy", np.array([[1, 2, 30], [4, 5, 6]]))
    result = check(None, "--input", tmp_path / "x.npy")
    assert result.exit_code == 2
    assert "wanted indices from 0 to 29, found 30 in row 0" in result.stderr
    result = check(None, "--input", tmp_path / "no-such.npy")
    assert (result.exit_code, "no-such.npy: the array cannot be read" in result.stderr) == (2, True)


def test_the_first_rows_of_a_file_are_taken(check: Check, tmp_path: Path) -> None:
    """Behind the first two stands what the layer does not take."""
    np.save(tmp_path / "x.npy", np.array([[1], [2], [99]]))
    assert check(words(), "--input", tmp_path / "x.npy", "--rows", 2).exit_code == 0
    assert check(None, "--input", tmp_path / "x.npy", "--rows", 3).exit_code == 2


def test_a_seed_draws_the_same_again_and_another_something_else(check: Check) -> None:
    first, second, third = (check(classifier(), "--seed", seed).stdout for seed in (3, 3, 4))
    assert first == second != third


def test_too_few_rows_for_training_are_refused(check: Check) -> None:
    assert check(classifier(), "--rows", 1).exit_code == 0
    result = check(None, "--rows", 1, "--training")
    assert result.exit_code == 2
    assert "--rows: node 'batch_norm' wants at least 2 in training, found 1" in result.stderr


def test_the_file_and_its_statistics_stay_as_they_are(check: Check, tmp_path: Path) -> None:
    check(classifier(), "--training")
    before = (tmp_path / "m.mlpk").read_bytes()
    check(None, "--training")
    assert (tmp_path / "m.mlpk").read_bytes() == before


def test_it_imports_its_parts_once_it_runs() -> None:
    code = (
        "import sys, mlpk; mlpk.layers.dense; print([name for name in sys.modules "
        "if name.startswith(('mlpk.testing', 'mlpk.cli', 'mlpk_plugins.commands.parts'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
