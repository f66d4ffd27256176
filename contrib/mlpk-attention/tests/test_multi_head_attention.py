import mlpk
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpk_attention import MultiHeadAttention

SIZES = st.integers(1, 4)


def made(layer, inputs, dtype="float64", seed=0):
    """Return a model of the layer alone, on inputs called x0, x1, ..., with random parameters."""
    symbols = [
        mlpk.Input(array.shape[1:], dtype="bool" if array.dtype == bool else dtype, name=f"x{i}")
        for i, array in enumerate(inputs)
    ]
    model = mlpk.Model(inputs=symbols, outputs=layer(*symbols), dtype=dtype, seed=seed)
    rng = np.random.default_rng(seed)
    for param in model.params.values():
        param[...] = rng.standard_normal(param.shape)
    return model


def named(inputs):
    return {f"x{i}": array for i, array in enumerate(inputs)}


def local(arrays):
    return {name.partition("/")[2]: array for name, array in arrays.items()}


def formula(layer, arrays, x, context=None, mask=None):
    """Work the output out by einsum, head by head, each softmax over what may be seen alone."""
    context = x if context is None else context

    def projected(part, of):
        y = np.einsum("ntf,fu->ntu", of, arrays[f"{part}_weight"])
        y = y + arrays.get(f"{part}_bias", 0)
        return y.reshape(*y.shape[:2], layer.heads, -1)

    q, k, v = projected("query", x), projected("key", context), projected("value", context)
    scores = np.einsum("nthd,nshd->nhts", q, k) / np.sqrt(q.shape[-1])
    heads = np.zeros((*q.shape[:3], v.shape[-1]))
    for n, h, t in np.ndindex(len(x), layer.heads, x.shape[1]):
        seen = np.ones(context.shape[1], bool) if mask is None else mask[n].copy()
        if layer.causal:
            seen[t + 1 :] = False
        if seen.any():
            part = np.exp(scores[n, h, t, seen])
            heads[n, t, h] = (part / part.sum()) @ v[n, seen, h]
    y = np.einsum("ntu,uf->ntf", heads.reshape(*x.shape[:2], -1), arrays["output_weight"])
    return y + arrays.get("output_bias", 0)


@st.composite
def cases(draw):
    """Draw a layer and its inputs: self-attention or a context, maybe masked, some rows wholly."""
    heads, share = draw(SIZES), draw(SIZES)
    width = draw(st.none() | SIZES)
    layer = MultiHeadAttention(
        heads=heads,
        key_width=draw(SIZES if width else st.none() | SIZES),
        value_width=draw(st.none() | SIZES),
        width=width,
        causal=draw(st.booleans()),
        bias=draw(st.booleans()),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, steps = draw(SIZES), draw(SIZES)
    inputs = [rng.standard_normal((rows, steps, heads * share))]
    form = draw(st.sampled_from(["self", "context", "masked"]))
    if form != "self":
        inputs.append(rng.standard_normal((rows, draw(SIZES), draw(SIZES))))
    if form == "masked":
        inputs.append(rng.random(inputs[1].shape[:2]) < draw(st.sampled_from([0.0, 0.3, 0.8])))
    return layer, tuple(inputs)


@given(cases())
@settings(max_examples=60, deadline=None)
def test_output_is_that_of_the_formula(case):
    layer, inputs = case
    model = made(layer, inputs)
    y = model.predict(named(inputs) if len(inputs) > 1 else inputs[0])
    np.testing.assert_allclose(y, formula(layer, local(model.params), *inputs), atol=1e-11)


@given(cases(), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_gradients_are_the_slopes_of_the_formula(case, seed):
    """All at once: where everything moves along some direction, the formula moves as they say."""
    layer, inputs = case
    model = made(layer, inputs)
    rng = np.random.default_rng(seed)
    y = model.forward(named(inputs), training=True)
    dy = rng.standard_normal(y.shape)
    dinputs = model.backward(dy, inputs=True)
    dinputs = dinputs if isinstance(dinputs, dict) else {"x0": dinputs}
    real = [array for array in inputs if array.dtype != bool]
    ways = [rng.standard_normal(array.shape) for array in real]
    arrays = local(model.params)
    turns = {name: rng.standard_normal(array.shape) for name, array in arrays.items()}

    def at(step):
        moved = [array + step * way for array, way in zip(real, ways, strict=True)]
        params = {name: array + step * turns[name] for name, array in arrays.items()}
        return (dy * formula(layer, params, *moved, *inputs[len(real) :])).sum()

    wanted = (at(1e-5) - at(-1e-5)) / 2e-5
    found = sum((dinputs[f"x{i}"] * way).sum() for i, way in enumerate(ways))
    found += sum((grad * turns[name]).sum() for name, grad in local(model.grads).items())
    assert found == pytest.approx(wanted, rel=1e-6, abs=1e-6)


def test_two_steps_by_hand():
    """One head of width 1 and weights of 1: the scores are products of numbers."""
    layer = MultiHeadAttention(heads=1, bias=False)
    x = np.array([[[1.0], [2.0]]])
    model = made(layer, (x,))
    for param in model.params.values():
        param[...] = 1
    first = (np.e + 2 * np.e**2) / (np.e + np.e**2)
    second = (np.e**2 + 2 * np.e**4) / (np.e**2 + np.e**4)
    np.testing.assert_allclose(model.predict(x), [[[first], [second]]], rtol=1e-14)


def test_scores_are_divided_by_the_root_of_a_heads_width():
    """Width 4 in one head, q = k = 1: the scores of the keys 1 and 0 are 4 / sqrt(4) and 0."""
    layer = MultiHeadAttention(heads=1, key_width=4, value_width=1, width=1, bias=False)
    x, context = np.ones((1, 1, 1)), np.array([[[1.0], [0.0]]])
    model = made(layer, (x, context))
    for param in model.params.values():
        param[...] = 1
    y = model.predict({"x0": x, "x1": context})
    assert y.item() == pytest.approx(np.exp(2) / (np.exp(2) + 1), rel=1e-14)


def test_a_context_that_is_x_is_self_attention():
    x = np.random.default_rng(0).standard_normal((2, 5, 4))
    layer = MultiHeadAttention(heads=2, causal=True)
    alone, twice = made(layer, (x,)), made(layer, (x, x))
    np.testing.assert_array_equal(alone.predict(x), twice.predict({"x0": x, "x1": x}))


def test_one_symbol_may_be_both_x_and_context():
    """Self-attention with a mask: the gradients of both uses add up to that of x."""
    rng = np.random.default_rng(1)
    x, mask = rng.standard_normal((3, 4, 2)), rng.random((3, 4)) < 0.7
    layer = MultiHeadAttention(heads=2)
    symbols = mlpk.Input((4, 2), name="x"), mlpk.Input((4,), dtype="bool", name="mask")
    model = mlpk.Model(
        inputs=symbols,
        outputs=layer(symbols[0], symbols[0], symbols[1]),
        dtype="float64",
        seed=0,
    )
    apart = made(layer, (x, x, mask))
    for mine, theirs in zip(model.params.values(), apart.params.values(), strict=True):
        mine[...] = theirs
    y = model.forward({"x": x, "mask": mask}, training=True)
    np.testing.assert_array_equal(y, apart.forward(named((x, x, mask)), training=True))
    dy = rng.standard_normal(y.shape)
    both = apart.backward(dy, inputs=True)
    wanted = both["x0"] + both["x1"]
    np.testing.assert_allclose(model.backward(dy, inputs=True)["x"], wanted, atol=1e-14)


def test_a_context_learns_where_x_is_only_data():
    """Nobody reads the gradient of x then, and what made the context gets the same as ever."""
    rng = np.random.default_rng(7)
    x, raw = mlpk.Input((3, 4), name="x"), mlpk.Input((5, 2), name="raw")
    context = mlpk.layers.dense(units=3)(raw, name="context")
    y = MultiHeadAttention(heads=2)(x, context)
    model = mlpk.Model(inputs=[x, raw], outputs=y, dtype="float64", seed=0)
    inputs = {"x": rng.standard_normal((2, 3, 4)), "raw": rng.standard_normal((2, 5, 2))}
    dy = rng.standard_normal(model.forward(inputs, training=True).shape)
    model.backward(dy, inputs=True)
    wanted = {name: grad.copy() for name, grad in model.grads.items()}
    assert wanted["context/weight"].all()
    model.forward(inputs, training=True)
    model.backward(dy)
    for name, grad in model.grads.items():
        np.testing.assert_array_equal(grad, wanted[name], err_msg=name)


@pytest.mark.parametrize("rubbish", [1e30, np.inf, np.nan])
def test_what_is_masked_does_not_matter(rubbish):
    rng = np.random.default_rng(2)
    x, context = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 3))
    mask = np.array([[1, 0, 1, 1, 0], [0, 1, 1, 0, 0]], bool)
    model = made(MultiHeadAttention(heads=2), (x, context, mask), dtype="float32")
    filled = np.where(mask[..., None], context, rubbish)
    results = []
    for given_context in (context, filled):
        y = model.forward(named((x, given_context, mask)), training=True).copy()
        dx = model.backward(np.ones_like(y), inputs=True)
        results.append((y, dx["x0"].copy(), dx["x1"].copy(), *map(np.copy, model.grads.values())))
    for wanted, found in zip(*results, strict=True):
        assert np.isfinite(found).all()
        np.testing.assert_array_equal(found, wanted)
    assert not results[0][2][~mask].any()
    assert results[0][2][mask].all()


def test_a_step_that_sees_nothing_gives_the_bias_and_moves_nothing():
    rng = np.random.default_rng(3)
    x, context = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 4))
    mask = np.array([[False] * 5, [True] * 5])
    model = made(MultiHeadAttention(heads=2), (x, context, mask))
    y = model.forward(named((x, context, mask)), training=True)
    bias = model.params["multi_head_attention/output_bias"]
    np.testing.assert_array_equal(y[0], np.broadcast_to(bias, (3, 4)))
    dx = model.backward(np.ones_like(y), inputs=True)
    assert not dx["x0"][0].any()
    assert not dx["x1"][0].any()
    assert dx["x0"][1].all()


def test_causal_steps_see_nothing_later():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((1, 6, 4))
    model = made(MultiHeadAttention(heads=2, causal=True), (x,))
    y = model.predict(x)
    later = x.copy()
    later[:, 3:] += 1
    np.testing.assert_array_equal(model.predict(later)[:, :3], y[:, :3])
    assert (model.predict(later)[:, 3:] != y[:, 3:]).all()


def test_order_of_the_context_does_not_matter():
    rng = np.random.default_rng(5)
    x, context = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 7, 4))
    model = made(MultiHeadAttention(heads=4), (x, context))
    order = rng.permutation(7)
    turned = model.predict({"x0": x, "x1": context[:, order]})
    np.testing.assert_allclose(turned, model.predict({"x0": x, "x1": context}), atol=1e-12)


def test_huge_scores_stay_finite():
    x = np.array([[[1e18, 0.0], [0.0, 1e18]]], np.float32)
    model = made(MultiHeadAttention(heads=1, bias=False), (x,), dtype="float32")
    for param in model.params.values():
        param[...] = np.eye(2)
    np.testing.assert_array_equal(model.predict(x), x)


def test_dropout_keeps_the_mean_and_leaves_evaluation_alone():
    """Where all values are 1, y is the sum of the kept weights: 1 on average."""
    layer = MultiHeadAttention(heads=1, width=1, key_width=1, rate=0.25, bias=False)
    x = np.ones((200, 20, 1))
    model = made(layer, (x,))
    for param in model.params.values():
        param[...] = 1
    np.testing.assert_allclose(model.predict(x), 1, rtol=1e-12)
    y = model.forward(x, training=True)
    # Of 20 equal weights each is kept with probability 3/4: the variance is 1 / 3 / 20.
    assert y.mean() == pytest.approx(1, abs=5 * np.sqrt(1 / 60 / y.size))
    assert y.var() == pytest.approx(1 / 60, rel=0.1)


def test_a_mask_of_numbers_and_a_context_of_truths_are_refused():
    x, numbers = mlpk.Input((3, 2), name="x"), mlpk.Input((3,), name="numbers")
    truths = mlpk.Input((3, 2), dtype="bool", name="truths")
    with pytest.raises(mlpk.GraphError, match=r"a mask of true and false as input 3"):
        MultiHeadAttention(heads=1)(x, x, numbers)
    with pytest.raises(mlpk.GraphError, match=r"real numbers as input 2, found bool"):
        MultiHeadAttention(heads=1)(x, truths)


def test_a_mask_whose_length_shows_late_is_refused():
    x, mask = mlpk.Input((None, 2), name="x"), mlpk.Input((None,), dtype="bool", name="mask")
    model = mlpk.Model(inputs=[x, mask], outputs=MultiHeadAttention(heads=1)(x, x, mask), seed=0)
    with pytest.raises(mlpk.ShapeError, match=r"wanted a mask of shape \(3,\).* found \(4,\)"):
        model.predict({"x": np.ones((1, 3, 2)), "mask": np.ones((1, 4), bool)})
