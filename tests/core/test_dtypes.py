"""What stands for a dtype, and what layers take."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, Declaration, GraphError, Input, Layer, Model, define
from mlpk.dtypes import check_taken, given_dtype, plain_name
from mlpk_schemas.records import evolved


@define
class Picks(Layer):
    """y = x where the mask is true, with further masks."""

    kind: ClassVar[str] = "picks"
    takes: ClassVar[tuple[str, ...]] = ("any", "bool")

    def declare(self, *inputs: Any) -> Declaration:
        return Declaration(inputs[0])

    def forward(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def backward(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def examples(cls) -> Any:
        return iter(())


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (np.int64, "int64"),
        (np.dtype("uint8"), "uint8"),
        (np.dtype(">f4"), "float32"),
        (np.bool_, "bool"),
        (bool, "bool"),
        ("int64", "int64"),
        ("word", "word"),
        (None, None),
        (dict, dict),
    ],
)
def test_numpy_s_own_stand_for_their_names(dtype: Any, name: Any) -> None:
    assert plain_name(dtype) == name


def test_they_do_wherever_a_dtype_is_given() -> None:
    assert Input((3,), dtype=np.int64).dtype == "int64"
    listed = Model(["identity"], input_shape=(3,), input_dtype=np.dtype("bool"))
    assert listed.spec.inputs[0].dtype == "bool"
    assert Model(["relu"], input_shape=(3,), dtype=np.float64).dtype == "float64"
    with pytest.raises(ConfigError, match=r"^dtype: wanted .* found the class int64$"):
        Model(["relu"], input_shape=(3,), dtype=np.int64)
    with pytest.raises(ConfigError, match=r"^Input.dtype: wanted .* found the class dict$"):
        Input((3,), dtype=dict)  # type: ignore[arg-type] # what is refused


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
@pytest.mark.parametrize(
    "layer",
    [
        mlpk.layers.dense(units=2),
        mlpk.layers.conv1d(filters=2, kernel_size=1),
        mlpk.layers.batch_norm(),
        mlpk.layers.relu(),
        mlpk.layers.dropout(rate=0.5),
        mlpk.layers.softmax(),
        mlpk.layers.concatenate(),
    ],
    ids=lambda layer: layer.kind,
)
def test_layers_that_compute_take_real_numbers(layer: Layer, dtype: str) -> None:
    x = Input((4, 3), dtype=dtype, name="x")
    wanted = (
        f"^{layer.kind}: wanted real numbers.*, found {dtype} from the input 'x'; give that input"
    )
    with pytest.raises(GraphError, match=wanted):
        layer(x, x) if layer.kind == "concatenate" else layer(x)
    for given in (None, "float32", "float64"):
        x = Input((4, 3), dtype=given)
        assert layer(x, x) if layer.kind == "concatenate" else layer(x)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (mlpk.layers.identity(), (2, 3)),
        (mlpk.layers.flatten(), (2, 3)),
        (mlpk.layers.reshape(shape=(3, 2)), (2, 3)),
        (mlpk.layers.permute(axes=(2, 1)), (2, 3)),
        (mlpk.layers.repeat(times=2), (3,)),
        (mlpk.layers.cropping2d(cropping=((0, 1), (0, 0))), (2, 2, 1)),
    ],
    ids=lambda given: getattr(given, "kind", ""),
)
@pytest.mark.parametrize("dtype", ["int64", "bool", "float32"])
def test_layers_that_move_keep_the_dtype(layer: Layer, shape: tuple[int, ...], dtype: str) -> None:
    model = Model([layer], input_shape=shape, input_dtype=dtype)
    x = np.ones((4, *shape), dtype)
    assert model.predict(x).dtype == dtype
    wanted = mlpk.layers.embedding(entries=2, units=3)
    if dtype == "int64":
        made = Model([layer, wanted], input_shape=shape, input_dtype=dtype)
        assert made.predict(x).shape[-1] == 3
    else:
        with pytest.raises(GraphError, match=f"wanted whole numbers, found {dtype} from"):
            Model([layer, wanted], input_shape=shape, input_dtype=dtype)


def test_what_to_write_suits_how_the_network_was_made() -> None:
    layers = [mlpk.layers.embedding(entries=9, units=2), mlpk.layers.lstm(units=4)]
    with pytest.raises(
        GraphError,
        match=r"^layers\[0\] \(embedding\): wanted whole numbers, found real numbers from the input; "
        r'make them an input of that dtype, input_dtype="int64"$',
    ):
        Model(layers, input_shape=(7,))
    with pytest.raises(GraphError, match=r'^words: .* mlpk.Input\(..., dtype="int64"\)$'):
        layers[0](Input((7,)), name="words")
    with pytest.raises(GraphError, match=r"^embedding: .* found real numbers from the layer dense"):
        layers[0](mlpk.layers.dense(units=2)(Input((7,))))
    assert Model(layers, input_shape=(7,), input_dtype="int32").predict(np.ones((1, 7), int)).any()


def test_a_network_that_was_written_down_is_checked_too() -> None:
    model = Model(
        [mlpk.layers.embedding(entries=9, units=2)], input_shape=(7,), input_dtype="int64"
    )
    plain = model.spec
    (given,) = plain.inputs
    spec = type(plain)(
        dtype=plain.dtype,
        inputs=(type(given)(name=given.name, shape=given.shape, dtype="float32"),),
        nodes=plain.nodes,
        outputs=plain.outputs,
    )
    wanted = "^node 'embedding': wanted whole numbers, found float32 from the input 'input'"
    with pytest.raises(GraphError, match=wanted):
        Model.from_spec(spec)


CONV = mlpk.layers.conv1d(filters=2, kernel_size=1)


@pytest.mark.parametrize(
    ("layers", "shape", "where", "found"),
    [
        ([mlpk.layers.dense(units=2)], (3,), "dense", "the input 'input'"),
        (["batch_norm"], (3,), "batch_norm", "the input 'input'"),
        (["relu"], (3,), "relu", "the input 'input'"),
        ([CONV], (4, 3), "conv1d", "the input 'input'"),
        (["dropout"], (3,), "dropout", "the input 'input'"),
        (["flatten", mlpk.layers.dense(units=2)], (4, 3), "dense", "'flatten'"),
    ],
)
def test_what_the_network_would_round_is_refused(
    layers: list[Any], shape: tuple[int, ...], where: str, found: str
) -> None:
    layers = [{"kind": "dropout", "rate": 0.5} if each == "dropout" else each for each in layers]
    with pytest.raises(
        GraphError,
        match=rf"^node '{where}': wanted float32, the network's dtype, found float64 from {found}; "
        r'give that input no dtype of its own, .*, or the network dtype="float64"$',
    ):
        Model(layers, input_shape=shape, input_dtype="float64")
    x = np.random.default_rng(0).standard_normal((2, *shape))
    for dtypes in ({}, {"dtype": "float64"}, {"dtype": "float64", "input_dtype": "float64"}):
        model = Model(layers, input_shape=shape, seed=0, **dtypes)
        assert model.predict(x).dtype == model.dtype


def test_only_what_takes_real_numbers_would_round_them() -> None:
    x, mask = Input((3,), dtype="float64", name="x"), Input((3,), dtype="bool", name="mask")
    assert Model(inputs=[x, mask], outputs=Picks()(x, mask)).dtype == "float32"
    moved = Model(["flatten"], input_shape=(2, 3), input_dtype="float64")
    assert moved.predict(np.full((1, 2, 3), 1 / 3)).tolist() == [[1 / 3] * 6]


def test_an_input_of_float32_is_exact_in_a_network_of_float64() -> None:
    x = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    layer = mlpk.layers.dense(units=2)
    model = Model([layer], input_shape=(3,), input_dtype="float32", dtype="float64", seed=0)
    wanted = x.astype(float) @ model.params["dense/weight"]
    np.testing.assert_allclose(model.predict(x), wanted, rtol=1e-14)


def test_a_network_of_float32_that_was_written_down_with_one_of_float64_is_refused() -> None:
    spec = Model(["relu"], input_shape=(3,)).spec
    (given,) = spec.inputs
    with pytest.raises(
        GraphError, match=r"^node 'relu': wanted float32, the network's dtype, found "
    ):
        Model.from_spec(evolved(spec, inputs=(evolved(given, dtype="float64"),)))


def test_the_last_word_is_for_all_further_inputs() -> None:
    feeds = [("a", None), ("b", "bool"), ("c", "bool")]
    check_taken(Picks(), feeds, "here")
    with pytest.raises(
        GraphError, match=r"^here: wanted a mask .* as input 3, found int8 from c; "
    ):
        check_taken(Picks(), [*feeds[:2], ("c", "int8")], "here")
    assert given_dtype(Picks(), ["int8", "bool"]) == "int8"
    assert given_dtype(mlpk.layers.relu(), ["float64"]) is None


def test_a_word_that_there_is_not_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Picks, "takes", ("words",))
    with pytest.raises(
        ConfigError, match=r"^picks.takes: wanted some of real, integers, bool, any"
    ):
        Picks()(Input((3,)))
