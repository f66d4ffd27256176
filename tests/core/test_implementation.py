from __future__ import annotations

from typing import Any

import pytest

import mlpk
from mlpk import ConfigError, Implementation


def forward(layer: Any, arrays: Any, ctx: Any, x: Any) -> Any:
    return layer.forward(arrays, ctx, x)


def backward(layer: Any, arrays: Any, ctx: Any, saved: Any, dy: Any, grads: Any) -> Any:
    return layer.backward(arrays, ctx, saved, dy, grads)


def update(optimizer: Any, param: Any, grad: Any, slots: Any, step: Any) -> None:
    optimizer.update(param, grad, slots, step)


def of_loss(loss: Any, ctx: Any, prediction: Any, target: Any, weight: Any) -> Any:
    return loss.forward(ctx, prediction, target, weight)


def back_of_loss(loss: Any, ctx: Any, saved: Any) -> Any:
    return loss.backward(ctx, saved)


LAYER: dict[str, Any] = {"forward": forward, "backward": backward}
LOSS: dict[str, Any] = {"forward": of_loss, "backward": back_of_loss}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"kind": ""}, "Implementation: wanted the name of a kind, found ''"),
        ({"kind": mlpk.Layer}, "Implementation: wanted the name of a kind, found"),
        ({"kind": "dense"}, "or update= for an optimizer, found none of them"),
        (
            {"kind": "dense", "forward": forward},
            (
                "Implementation('dense'): wanted forward= and backward= for a layer or a loss, or "
                "update= for an optimizer, found forward="
            ),
        ),
        ({"kind": "dense", "backward": backward}, "an optimizer, found backward="),
        ({"kind": "dense", **LAYER, "update": update}, "found forward= and backward= and update="),
        (
            {"kind": "adam", "update": 3},
            "Implementation('adam').update: wanted a function, found 3",
        ),
        (
            {"kind": "adam", "update": update, "serves": True},
            "Implementation('adam').serves: wanted a function, found True",
        ),
        (
            {"kind": "adam", "update": update, "serves": lambda _instance, _shapes: True},
            (
                "Implementation('adam').serves: wanted a function of (instance, shapes, dtype), found "
                "one of (_instance, _shapes)"
            ),
        ),
    ],
)
def test_what_is_not_complete_is_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Implementation(**given)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (Implementation("dense", **LAYER), "layers.dense"),
        (Implementation("mean_squared_error", **LOSS), "losses.mean_squared_error"),
        (Implementation("adam", update=update), "optimizers.adam"),
        # Their own methods, where just one way has become faster.
        (
            Implementation("dense", forward=mlpk.layers.dense.forward, backward=backward),
            "layers.dense",
        ),
        # An input that may be left out, and any number of inputs.
        (
            Implementation(
                "lstm", forward=lambda _layer, _arrays, _ctx, _x, _mask=None: 0, backward=backward
            ),
            "layers.lstm",
        ),
        (
            Implementation("add", forward=lambda _layer, _a, _ctx, *_x: 0, backward=backward),
            "layers.add",
        ),
    ],
)
def test_functions_like_the_methods_are_taken(made: Implementation, kind: str) -> None:
    family, name = kind.split(".")
    made.check(getattr(mlpk, family)[name])


@pytest.mark.parametrize(
    ("made", "kind", "sentence"),
    [
        (
            Implementation("adam", **LAYER),
            "optimizers.adam",
            (
                "Implementation('adam'): wanted update=, as it is one of the optimizers; found "
                "forward= and backward="
            ),
        ),
        (
            Implementation("dense", update=update),
            "layers.dense",
            "wanted forward= and backward=, as it is one of the layers; found update=",
        ),
        (
            Implementation("dense", **LOSS),
            "layers.dense",
            (
                "Implementation('dense').forward: wanted a function of what Dense.forward takes, (self, "
                "arrays, ctx, x), found one of (loss, ctx, prediction, target, weight)"
            ),
        ),
        (
            Implementation("mean_squared_error", **LAYER),
            "losses.mean_squared_error",
            "takes, (self, ctx, prediction, target, weight=None), found one of (layer, arrays, ",
        ),
        (
            Implementation("adam", update=lambda _param, _grad, _slots, _step: None),
            "optimizers.adam",
            "takes, (self, param, grad, slots, step), found one of (_param, _grad, _slots, _step)",
        ),
        # A mask may be left out, and may be given.
        (Implementation("lstm", **LAYER), "layers.lstm", "(self, arrays, ctx, x, mask=None)"),
        (
            Implementation(
                "lstm", forward=lambda _layer, _arrays, _ctx, _x, _mask: 0, backward=backward
            ),
            "layers.lstm",
            "found one of (_layer, _arrays, _ctx, _x, _mask)",
        ),
        (Implementation("add", **LAYER), "layers.add", "(self, arrays, ctx, *inputs)"),
    ],
)
def test_functions_unlike_the_methods_are_refused(
    made: Implementation, kind: str, sentence: str
) -> None:
    family, name = kind.split(".")
    with pytest.raises(ConfigError) as caught:
        made.check(getattr(mlpk, family)[name])
    assert sentence in str(caught.value)


def test_a_function_that_says_nothing_of_its_arguments_is_taken() -> None:
    assert Implementation("adam", update=update, serves=max).serves is max


def test_it_is_itself_alone() -> None:
    """Two of the same functions are not one: a catalog tells who brought which."""
    first, second = (Implementation("adam", update=update) for _ in range(2))
    assert first != second
    assert len({first, second}) == 2
