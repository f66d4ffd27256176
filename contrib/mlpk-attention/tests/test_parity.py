"""One way and both ways, against PyTorch, in float64.

PyTorch keeps weights as (out, in), those of query, key and value in one array where they can be,
and says with true what is not seen. It gives nan to a query that sees nothing: here step 0 is
always seen.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlpk import Context

from mlpk_attention import MultiHeadAttention, TransformerEncoderBlock

torch = pytest.importorskip("torch", reason="needs the extra parity")
torch.set_num_threads(1)

SIZES = st.integers(1, 5)
SEEDS = st.integers(0, 2**32 - 1)
NEAR = {"rtol": 1e-8, "atol": 1e-10}
PROJECTIONS = ("query", "key", "value")


def ours(layer, inputs, dy_of, rng):
    """Return random arrays, the output, its gradient, and the gradients of arrays and inputs."""
    params = layer.declare(*(array.shape[1:] for array in inputs)).params
    arrays = {name: rng.standard_normal(param.shape) for name, param in params.items()}
    grads = {name: np.full(param.shape, np.nan) for name, param in params.items()}
    needed = tuple(array.dtype.kind == "f" for array in inputs)
    ctx = Context("float64", spoil=True, needs_input_grad=needed)
    y, saved = layer.forward(arrays, ctx, *inputs)
    dy = dy_of(y.shape)
    dinputs = layer.backward(arrays, ctx, saved, dy, grads)
    return arrays, y, dy, grads, dinputs if isinstance(dinputs, tuple) else (dinputs,)


def leaf(array):
    return torch.tensor(array, requires_grad=True)


def fill(module, arrays, start=""):
    """Put the arrays of an attention into PyTorch's."""
    weights = [torch.tensor(arrays[f"{start}{name}_weight"].T) for name in PROJECTIONS]
    if module.in_proj_weight is None:
        parts = (module.q_proj_weight, module.k_proj_weight, module.v_proj_weight)
        for part, weight in zip(parts, weights, strict=True):
            part.data = weight
    else:
        module.in_proj_weight.data = torch.cat(weights)
    module.out_proj.weight.data = torch.tensor(arrays[f"{start}output_weight"].T)
    if module.in_proj_bias is not None:
        biases = [arrays[f"{start}{name}_bias"] for name in PROJECTIONS]
        module.in_proj_bias.data = torch.tensor(np.concatenate(biases))
        module.out_proj.bias.data = torch.tensor(arrays[f"{start}output_bias"])


def gradients(module, start=""):
    """Return PyTorch's gradients by the names that the arrays have here."""
    if module.in_proj_weight is None:
        weights = [module.q_proj_weight, module.k_proj_weight, module.v_proj_weight]
        weights = [weight.grad for weight in weights]
    else:
        weights = module.in_proj_weight.grad.chunk(3)
    found = dict(zip(PROJECTIONS, weights, strict=True), output=module.out_proj.weight.grad)
    found = {f"{start}{name}_weight": grad.numpy().T for name, grad in found.items()}
    if module.in_proj_bias is not None:
        biases = [*module.in_proj_bias.grad.chunk(3), module.out_proj.bias.grad]
        for name, grad in zip((*PROJECTIONS, "output"), biases, strict=True):
            found[f"{start}{name}_bias"] = grad.numpy()
    return found


def assert_alike(found, wanted):
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, **NEAR, err_msg=name)


@given(
    rows=SIZES,
    steps=SIZES,
    places=SIZES,
    heads=st.integers(1, 3),
    share=st.integers(1, 3),
    context_width=SIZES,
    form=st.sampled_from(["self", "cross", "masked self", "masked cross"]),
    causal=st.booleans(),
    bias=st.booleans(),
    scale=st.sampled_from([0.1, 1.0, 3.0]),
    seed=SEEDS,
)
@settings(max_examples=100, deadline=None)
def test_multi_head_attention(
    rows, steps, places, heads, share, context_width, form, causal, bias, scale, seed
):
    rng = np.random.default_rng(seed)
    width = heads * share
    x = scale * rng.standard_normal((rows, steps, width))
    crossed = "cross" in form
    context = scale * rng.standard_normal((rows, places, context_width)) if crossed else x
    mask = rng.random(context.shape[:2]) < 0.6
    mask[:, 0] = True
    inputs = (x,) if form == "self" else (x, context, mask)[: 2 + ("masked" in form)]
    layer = MultiHeadAttention(heads=heads, causal=causal, bias=bias)
    arrays, y, dy, grads, dinputs = ours(layer, inputs, rng.standard_normal, rng)

    module = torch.nn.MultiheadAttention(
        width,
        heads,
        bias=bias,
        kdim=context.shape[-1],
        vdim=context.shape[-1],
        batch_first=True,
    ).double()
    fill(module, arrays)
    their_x = leaf(x)
    their_context = leaf(context) if len(inputs) > 1 else their_x
    later = torch.ones(steps, context.shape[1], dtype=torch.bool).triu(1)
    wanted, _ = module(
        their_x,
        their_context,
        their_context,
        key_padding_mask=torch.tensor(~mask) if "masked" in form else None,
        attn_mask=later if causal else None,
        need_weights=False,
    )
    wanted.backward(torch.tensor(dy))
    np.testing.assert_allclose(y, wanted.detach().numpy(), **NEAR)
    np.testing.assert_allclose(dinputs[0], their_x.grad.numpy(), **NEAR)
    if len(inputs) > 1:
        np.testing.assert_allclose(dinputs[1], their_context.grad.numpy(), **NEAR)
    assert_alike(grads, gradients(module))


@given(
    rows=SIZES,
    steps=SIZES,
    heads=st.integers(1, 3),
    share=st.integers(1, 3),
    hidden=SIZES,
    activation=st.sampled_from(["relu", "gelu"]),
    causal=st.booleans(),
    masked=st.booleans(),
    scale=st.sampled_from([0.1, 1.0, 3.0]),
    seed=SEEDS,
)
@settings(max_examples=100, deadline=None)
def test_transformer_encoder_block(
    rows, steps, heads, share, hidden, activation, causal, masked, scale, seed
):
    rng = np.random.default_rng(seed)
    width = heads * share
    x = scale * rng.standard_normal((rows, steps, width))
    mask = rng.random((rows, steps)) < 0.6
    mask[:, 0] = True
    layer = TransformerEncoderBlock(
        heads=heads, hidden=hidden, activation=activation, causal=causal
    )
    inputs = (x, mask) if masked else (x,)
    arrays, y, dy, grads, dinputs = ours(layer, inputs, rng.standard_normal, rng)

    module = torch.nn.TransformerEncoderLayer(
        width,
        heads,
        hidden,
        dropout=0.0,
        activation=activation,
        batch_first=True,
        norm_first=True,
    ).double()
    fill(module.self_attn, arrays, "attention_")
    pairs = {
        "first_norm_gamma": module.norm1.weight,
        "first_norm_beta": module.norm1.bias,
        "second_norm_gamma": module.norm2.weight,
        "second_norm_beta": module.norm2.bias,
        "hidden_weight": module.linear1.weight,
        "hidden_bias": module.linear1.bias,
        "output_weight": module.linear2.weight,
        "output_bias": module.linear2.bias,
    }
    for name, param in pairs.items():
        param.data = torch.tensor(arrays[name].T)
    their_x = leaf(x)
    wanted = module(
        their_x,
        src_mask=torch.ones(steps, steps, dtype=torch.bool).triu(1) if causal else None,
        src_key_padding_mask=torch.tensor(~mask) if masked else None,
    )
    wanted.backward(torch.tensor(dy))
    np.testing.assert_allclose(y, wanted.detach().numpy(), **NEAR)
    np.testing.assert_allclose(dinputs[0], their_x.grad.numpy(), **NEAR)
    theirs = gradients(module.self_attn, "attention_")
    theirs |= {name: param.grad.numpy().T for name, param in pairs.items()}
    assert_alike(grads, theirs)
