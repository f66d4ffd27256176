import mlpk
import pytest

from mlpk_attention import MultiHeadAttention


def test_arrays_and_their_fans():
    layer = MultiHeadAttention(heads=3, key_width=2, value_width=5, width=7)
    params = layer.declare((4, 8), (6, 9)).params
    assert {name: param.shape for name, param in params.items()} == {
        "query_weight": (8, 6),
        "query_bias": (6,),
        "key_weight": (9, 6),
        "key_bias": (6,),
        "value_weight": (9, 15),
        "value_bias": (15,),
        "output_weight": (15, 7),
        "output_bias": (7,),
    }
    for name, param in params.items():
        assert param.decay == name.endswith("weight")
        if param.decay:
            assert param.in_and_out == param.shape


def test_init_is_that_of_every_weight():
    params = MultiHeadAttention(heads=2, init="he_normal").declare((3, 4)).params
    inits = {name: param.init for name, param in params.items()}
    he = mlpk.initializers.he_normal()
    assert {n for n, init in inits.items() if init == he} == {n for n in inits if "weight" in n}


def test_widths_that_are_left_open():
    shapes = {n: p.shape for n, p in MultiHeadAttention(heads=4).declare((3, 8)).params.items()}
    assert shapes["query_weight"] == shapes["value_weight"] == shapes["output_weight"] == (8, 8)
    wide = MultiHeadAttention(heads=2, width=6, key_width=5).declare((3, 8))
    assert wide.output == (3, 6)
    assert wide.params["value_weight"].shape == (8, 10)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((5,),), r"wanted a sequence, \(steps, width\) beside the batch, found a shape \(5,\)"),
        (((5, None),), "wanted a known length"),
        (((5, 3),), "a width that 2 heads can share, found 3; give key_width"),
        (((5, 4), (5,)), r"a mask comes after it: x, x, mask.* found a shape \(5,\)"),
        (((5, 4), (6, 3), (5,)), r"wanted a mask of shape \(6,\).* found \(5,\)"),
        (((5, 4), (6, 3), (6, 6)), r"wanted a mask of shape \(6,\).* found \(6, 6\)"),
    ],
)
def test_wrong_shapes_are_refused(shapes, message):
    with pytest.raises(mlpk.ShapeError, match=message):
        MultiHeadAttention(heads=2).declare(*shapes)


@pytest.mark.parametrize(
    "fields",
    [
        {"heads": 0},
        {"heads": 1, "key_width": 0},
        {"heads": 1, "value_width": 0},
        {"heads": 1, "width": 0},
        {"heads": 1, "rate": 1.0},
        {"heads": 1, "rate": -0.1},
    ],
)
def test_fields_out_of_range_are_refused(fields):
    with pytest.raises(mlpk.ConfigError, match=list(fields)[-1]):
        MultiHeadAttention(**fields)
