import mlpk
import numpy as np
import pytest

from mlpk_attention import TransformerEncoderBlock


def made(block, shape, *, masked=False, dtype="float64"):
    inputs = [mlpk.Input(shape, name="x")]
    if masked:
        inputs.append(mlpk.Input(shape[:1], dtype="bool", name="mask"))
    model = mlpk.Model(inputs=inputs, outputs=block(*inputs), dtype=dtype, seed=0)
    rng = np.random.default_rng(0)
    for param in model.params.values():
        np.add(param, 0.3 * rng.standard_normal(param.shape), out=param)
    return model


def written_out(heads, hidden, width, *, masked):
    """Return the same network made of layers that are nodes of their own."""
    layers = mlpk.layers
    x = mlpk.Input((None, width), name="x")
    mask = mlpk.Input((None,), dtype="bool", name="mask")
    z = layers.layer_norm()(x, name="first_norm")
    attention = layers.multi_head_attention(heads=heads)
    seen = attention(z, z, mask, name="attention") if masked else attention(z, name="attention")
    middle = layers.add()(x, seen)
    z = layers.layer_norm()(middle, name="second_norm")
    z = layers.gelu()(layers.dense(units=hidden)(z, name="hidden"))
    y = layers.add()(middle, layers.dense(units=width)(z, name="output"))
    inputs = [x, mask] if masked else [x]
    return mlpk.Model(inputs=inputs, outputs=y, dtype="float64", seed=0)


@pytest.mark.parametrize("masked", [False, True])
def test_a_block_is_its_layers_one_after_the_other(masked):
    """Output and all gradients agree with the network in which each part is a node."""
    rng = np.random.default_rng(1)
    block = made(TransformerEncoderBlock(heads=2, hidden=5), (None, 4), masked=masked)
    nodes = written_out(2, 5, 4, masked=masked)
    for name, array in nodes.params.items():
        array[...] = block.params["transformer_encoder_block/" + name.replace("/", "_")]
    assert len(nodes.params) == len(block.params)
    inputs = {"x": rng.standard_normal((3, 6, 4))}
    if masked:
        inputs["mask"] = rng.random((3, 6)) < 0.6
    dy = rng.standard_normal((3, 6, 4))
    found, wanted = [], []
    for model, results in ((block, found), (nodes, wanted)):
        results.append(model.forward(inputs, training=True).copy())
        dx = model.backward(dy, inputs=True)
        results.append((dx["x"] if isinstance(dx, dict) else dx).copy())
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    for name, grad in nodes.grads.items():
        mine = block.grads["transformer_encoder_block/" + name.replace("/", "_")]
        np.testing.assert_allclose(mine, grad, atol=1e-11)


def test_padding_changes_nothing_but_itself():
    rng = np.random.default_rng(2)
    model = made(TransformerEncoderBlock(heads=2), (None, 4), masked=True)
    short = rng.standard_normal((2, 3, 4))
    padded = np.concatenate((short, rng.standard_normal((2, 4, 4))), axis=1)
    mask = np.arange(7) < np.array([[3], [3]])
    wanted = model.predict({"x": short, "mask": mask[:, :3]})
    found = model.predict({"x": padded, "mask": mask})
    np.testing.assert_allclose(found[:, :3], wanted, atol=1e-12)


def test_causal_steps_see_nothing_later():
    x = np.random.default_rng(3).standard_normal((1, 6, 4))
    model = made(TransformerEncoderBlock(heads=2, causal=True), (6, 4))
    y, later = model.predict(x), x.copy()
    later[:, 3:] += 1
    np.testing.assert_array_equal(model.predict(later)[:, :3], y[:, :3])
    assert (model.predict(later)[:, 3:] != y[:, 3:]).all()


def test_dropped_changes_leave_x_as_it_is():
    """With nearly everything dropped, y is x; in evaluation nothing is."""
    x = np.random.default_rng(4).standard_normal((2, 3, 4))
    model = made(TransformerEncoderBlock(heads=2, rate=0.999), (3, 4))
    same = model.forward(x, training=True) == x
    assert same.mean() > 0.9
    assert (model.predict(x) != x).all()
    plain = made(TransformerEncoderBlock(heads=2), (3, 4))
    np.testing.assert_array_equal(model.predict(x), plain.predict(x))


def test_the_attention_drops_values_of_its_softmax():
    """All weights are 0 but those that take a head's sum of values, 1 each, straight to h."""
    block = TransformerEncoderBlock(heads=1, rate=0.5)
    model = mlpk.Model([block.named("block")], input_shape=(1, 1), dtype="float64", seed=0)
    for param in model.params.values():
        param[...] = 0
    model.params["block/attention_value_bias"][...] = 1
    model.params["block/attention_output_weight"][...] = 1
    x = np.zeros((4000, 1, 1))
    np.testing.assert_array_equal(model.predict(x), 1)
    y = model.forward(x, training=True)
    # Doubled where kept, there and again where h is made: 4 with probability 1/4, else 0.
    assert set(np.unique(y)) == {0.0, 4.0}
    assert (y == 4).mean() == pytest.approx(0.25, abs=5 * np.sqrt(0.25 * 0.75 / len(y)))


def test_hidden_is_four_times_the_width_unless_given():
    params = TransformerEncoderBlock(heads=1).declare((5, 3)).params
    assert params["hidden_weight"].shape == (3, 12)
    params = TransformerEncoderBlock(heads=1, hidden=7).declare((5, 3)).params
    assert params["output_weight"].shape == (7, 3)


def test_parts_with_arrays_and_buffers_of_their_own():
    """A norm that keeps statistics and an activation that learns are trained and remembered."""
    block = TransformerEncoderBlock(heads=1, hidden=3, norm="batch_norm", activation="prelu")
    declaration = block.declare((5, 2))
    assert {"first_norm_running_mean", "second_norm_running_var"} <= declaration.buffers.keys()
    assert "activation_slope" in declaration.params
    assert "first_norm_gamma" in declaration.params
    model = made(block, (5, 2))
    before = model.buffers["transformer_encoder_block/second_norm_running_mean"].copy()
    y = model.forward(np.random.default_rng(5).standard_normal((8, 5, 2)), training=True)
    model.backward(np.ones_like(y))
    assert (model.buffers["transformer_encoder_block/second_norm_running_mean"] != before).all()
    assert model.grads["transformer_encoder_block/activation_slope"].any()


def test_wraps_tells_where_the_arrays_of_its_fields_are():
    block = TransformerEncoderBlock(heads=1, hidden=3, norm="batch_norm", activation="prelu")
    declaration = block.declare((5, 2))
    copies = [(block.norm, start, (5, 2)) for start in block.wraps["norm"]]
    copies += [(block.activation, start, (5, 3)) for start in block.wraps["activation"]]
    wrapped = set()
    for layer, start, shape in copies:
        inner = layer.declare(shape)
        for theirs, mine in (
            (inner.params, declaration.params),
            (inner.buffers, declaration.buffers),
        ):
            wanted = {start + name: array for name, array in theirs.items()}
            assert wanted == {name: mine[name] for name in mine if name.startswith(start)}
            wrapped |= wanted.keys()
    own = {*declaration.params, *declaration.buffers} - wrapped
    assert {name.partition("_")[0] for name in own} == {"attention", "hidden", "output"}


def test_a_part_that_needs_more_rows_makes_the_block_need_them():
    """One step and one row leave batch_norm a single value a channel."""
    block = TransformerEncoderBlock(heads=1, norm="batch_norm")
    assert block.declare((1, 2)).min_rows == mlpk.layers.batch_norm().declare((1, 2)).min_rows == 2
    assert TransformerEncoderBlock(heads=1).declare((1, 2)).min_rows == 1


def test_init_is_that_of_every_weight():
    params = TransformerEncoderBlock(heads=2, init="he_normal").declare((3, 4)).params
    he = mlpk.initializers.he_normal()
    assert all(param.init == he for name, param in params.items() if name.endswith("_weight"))


def test_names_mappings_and_instances_mean_the_same():
    forms = ("rms_norm", {"kind": "rms_norm"}, mlpk.layers.rms_norm())
    blocks = {repr(TransformerEncoderBlock(heads=1, norm=form)) for form in forms}
    assert len(blocks) == 1


def test_a_part_that_changes_the_shape_is_refused():
    block = TransformerEncoderBlock(heads=1, activation="flatten")
    with pytest.raises(mlpk.ShapeError, match=r"keeps the shape \(5, 8\), found 'flatten'"):
        block.declare((5, 2))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((5,),), "wanted a sequence"),
        (((5, 3),), "2 heads can share, found 3"),
        (((5, 4), (4,)), r"wanted a mask of shape \(5,\)"),
    ],
)
def test_wrong_shapes_are_refused(shapes, message):
    with pytest.raises(mlpk.ShapeError, match=message):
        TransformerEncoderBlock(heads=2).declare(*shapes)


def test_a_stack_is_saved_with_full_ids_and_loaded(tmp_path):
    blocks = [{"kind": "transformer_encoder_block", "heads": 2, "hidden": 4, "rate": 0.1}] * 2
    model = mlpk.Model(["positional_encoding", *blocks], input_shape=(None, 4), seed=0)
    assert {node.id for node in model.spec.nodes} == {
        "mlpk-attention:positional_encoding",
        "mlpk-attention:transformer_encoder_block",
    }
    model.save(tmp_path / "stack.mlpk")
    x = np.random.default_rng(6).standard_normal((3, 5, 4))
    np.testing.assert_array_equal(mlpk.load(tmp_path / "stack.mlpk").predict(x), model.predict(x))
