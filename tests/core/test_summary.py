from __future__ import annotations

import pytest

import mlpk
from mlpk import Input, Layer, Model

layers, dense = mlpk.layers, mlpk.layers.dense


def test_a_network_is_a_table() -> None:
    model = Model([dense(units=100), "batch_norm", "relu", dense(units=10)], input_shape=(784,))
    # dense: 784 * 100 + 100 parameters of 4 bytes, and an output of 100 * 4 bytes.
    assert model.summary() == (
        "node        kind        output  parameters  buffers     memory  multiply-adds\n"
        "----------  ----------  ------  ----------  -------  ---------  -------------\n"
        "input       input       784              0        0\n"
        "dense       dense       100         78,500        0  307.0 KiB         78,400\n"
        "batch_norm  batch_norm  100            200      200    2.0 KiB              0\n"
        "relu        relu        100              0        0      400 B              0\n"
        "dense_1     dense       10           1,010        0    4.0 KiB          1,000\n"
        "----------  ----------  ------  ----------  -------  ---------  -------------\n"
        "total                               79,710      200  313.4 KiB         79,400"
    )


def test_parameters_that_are_not_trained_are_told_below() -> None:
    norm = layers.batch_norm(trainable=False)
    text = Model([dense(units=100), norm, "batch_norm"], input_shape=(784,)).summary()
    # 4 bytes each: 78,900 parameters, 400 numbers in buffers and 300 in outputs.
    assert text.splitlines()[-2].split() == ["total", "78,900", "400", "310.9", "KiB", "78,400"]
    assert text.endswith("\n200 of the parameters are not trained (trainable=False)")


def rows(model: Model) -> dict[str, list[str]]:
    """Return the cells of each line by its first."""
    lines = [line.split() for line in model.summary().splitlines()]
    return {cells[0]: cells[1:] for cells in lines}


def test_shared_arrays_are_counted_once_in_the_total() -> None:
    x, layer = Input((3,)), dense(units=3)
    first = layer(x)
    found = rows(Model(inputs=x, outputs=layer(first, share=first), dtype="float64"))
    assert found["dense"] == ["dense", "3", "12", "0", "120", "B", "9"]
    assert found["dense_1"] == ["dense,", "arrays", "of", *found["dense"]]
    assert found["total"] == [
        "12",
        "0",
        "144",
        "B",
        "18",
    ]  # 12 * 8 for the arrays, 2 * 3 * 8 beside


def test_what_depends_on_an_unknown_length_is_not_known() -> None:
    found = rows(Model([dense(units=2), "relu"], input_shape=(None, 3)))
    assert found["input"] == ["input", "?", "x", "3", "0", "0"]
    assert found["dense"] == ["dense", "?", "x", "2", "8", "0", "?", "?"]
    assert found["relu"] == ["relu", "?", "x", "2", "0", "0", "?", "0"]
    assert found["total"] == ["8", "0", "?", "?"]


@pytest.mark.parametrize(
    ("layer", "shape", "wanted"),
    [
        # each of the 4 * 5 positions: 3 inputs to 2 units
        (dense(units=2), (4, 5, 3), 120),
        # 4 * 6 windows of 3 * 3 on 6 * 8: each 9 * 2 inputs to 5 filters
        (layers.conv2d(filters=5, kernel_size=3), (6, 8, 2), 2_160),
        # 3 * 4 windows: 9 * 2 to 4
        (layers.conv2d(filters=4, kernel_size=3, strides=2, padding="same"), (6, 8, 2), 864),
        # 4 * 6 windows: a filter sees 9 * 2 of the 4 channels, and there are 6
        (layers.conv2d(filters=6, kernel_size=3, groups=2), (6, 8, 4), 2_592),
        # 8 windows: 3 * 2 to 4
        (layers.conv1d(filters=4, kernel_size=3), (10, 2), 192),
        # 4 * 6 windows: each of 2 * 3 outputs sees 9 places
        (layers.depthwise_conv2d(kernel_size=3, depth_multiplier=3), (6, 8, 2), 1_296),
        # 4 * 6 places: 9 for each of 2 channels, then 2 to 5
        (layers.separable_conv2d(filters=5, kernel_size=3), (6, 8, 2), 672),
        # each of the 3 * 4 places of the input, on each of 2 channels: 9 * 5 products
        (layers.conv2d_transpose(filters=5, kernel_size=3, strides=2), (3, 4, 2), 1_080),
        # the same, but a channel of 2 reaches 3 of the 6 filters
        (layers.conv2d_transpose(filters=6, kernel_size=3, strides=2, groups=2), (3, 4, 2), 648),
        # 7 steps: 3 inputs and 5 states to 5 units, once, in 3 gates, in 4
        (layers.simple_rnn(units=5), (7, 3), 280),
        (layers.gru(units=5), (7, 3), 840),
        (layers.lstm(units=5), (7, 3), 1_120),
        (layers.lstm(units=5, return_sequences=True), (7, 3), 1_120),
        (layers.bidirectional(layer=layers.lstm(units=5)), (7, 3), 2_240),
        (layers.bidirectional(layer=dense(units=2)), (7, 3), 84),
        # no weight that sums of products are made with
        (layers.embedding(entries=10, units=4), (7,), 0),
        (layers.layer_norm(axes=2), (7, 3), 0),
        (layers.prelu(), (7, 3), 0),
        (layers.max_pool2d(kernel_size=2), (4, 4, 2), 0),
    ],
    ids=lambda given: given.kind if isinstance(given, Layer) else None,
)
def test_a_weight_counts_once_for_each_product(
    layer: Layer, shape: tuple[int, ...], wanted: int
) -> None:
    dtype = "int64" if layer.kind == "embedding" else "float32"
    model = Model([layer.named("node")], input_shape=shape, input_dtype=dtype)
    assert rows(model)["node"][-1] == f"{wanted:,}"


def test_where_steps_are_of_unknown_number_so_are_their_products() -> None:
    found = rows(Model([layers.gru(units=2), dense(units=3)], input_shape=(None, 3)))
    assert found["gru"][-1] == "?"
    assert found["dense"][-1] == "6"
    without = Model(
        [layers.embedding(entries=3, units=2)], input_shape=(None,), input_dtype="int64"
    )
    assert rows(without)["embedding"][-1] == "0"


def test_nodes_with_several_inputs_name_them() -> None:
    a, b = Input((3,), name="a"), Input((3,), name="b")
    text = Model(inputs=[a, b], outputs=mlpk.layers.add()(a, b)).summary()
    assert "add    add (a, b)  3 " in text
    assert "a      input       3 " in text


def test_a_shape_without_axes_is_a_scalar() -> None:
    assert rows(Model(["relu"], input_shape=()))["relu"][:2] == ["relu", "scalar"]
