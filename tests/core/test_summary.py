from __future__ import annotations

import mlpk
from mlpk import Input, Model

dense = mlpk.layers.dense


def test_a_network_is_a_table() -> None:
    layers = [dense(units=100), "batch_norm", "relu", dense(units=10)]
    model = Model(layers, input_shape=(784,))
    # dense: 784 * 100 + 100 parameters of 4 bytes, and an output of 100 * 4 bytes.
    assert model.summary() == (
        "node        kind        output  parameters     memory  multiply-adds\n"
        "----------  ----------  ------  ----------  ---------  -------------\n"
        "input       input       784              0\n"
        "dense       dense       100         78,500  307.0 KiB         78,400\n"
        "batch_norm  batch_norm  100            200    2.0 KiB              0\n"
        "relu        relu        100              0      400 B              0\n"
        "dense_1     dense       10           1,010    4.0 KiB          1,000\n"
        "----------  ----------  ------  ----------  ---------  -------------\n"
        "total                               79,710  313.4 KiB         79,400"
    )


def rows(model: Model) -> dict[str, list[str]]:
    """Return the cells of each line by its first."""
    lines = [line.split() for line in model.summary().splitlines()]
    return {cells[0]: cells[1:] for cells in lines}


def test_shared_arrays_are_counted_once_in_the_total() -> None:
    x, layer = Input((3,)), dense(units=3)
    first = layer(x)
    found = rows(Model(inputs=x, outputs=layer(first, share=first), dtype="float64"))
    assert found["dense"][2:] == found["dense_1"][2:] == ["12", "120", "B", "9"]
    assert found["total"] == ["12", "144", "B", "18"]  # 12 * 8 for the arrays, 2 * 3 * 8 beside


def test_what_depends_on_an_unknown_length_is_not_known() -> None:
    found = rows(Model([dense(units=2), "relu"], input_shape=(None, 3)))
    assert found["input"] == ["input", "?", "x", "3", "0"]
    assert found["dense"] == ["dense", "?", "x", "2", "8", "?", "?"]
    assert found["relu"] == ["relu", "?", "x", "2", "0", "?", "0"]
    assert found["total"] == ["8", "?", "?"]


def test_weights_count_at_every_position() -> None:
    found = rows(Model([dense(units=2)], input_shape=(4, 5, 3)))
    assert found["dense"][-1] == str(4 * 5 * 3 * 2)


def test_nodes_with_several_inputs_name_them() -> None:
    a, b = Input((3,), name="a"), Input((3,), name="b")
    text = Model(inputs=[a, b], outputs=mlpk.layers.add()(a, b)).summary()
    assert "add    add (a, b)  3 " in text
    assert "a      input       3 " in text


def test_a_shape_without_axes_is_a_scalar() -> None:
    assert rows(Model(["relu"], input_shape=()))["relu"][:2] == ["relu", "scalar"]
