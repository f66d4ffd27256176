"""Implementations of kinds that distributions bring, found in whatever order these come."""

from __future__ import annotations

from collections.abc import Callable

Install = Callable[..., None]
Run = Callable[..., str]


def faster(*kinds: str, also: str = "") -> str:
    """Return the source of a plugin that computes y = 2 * x for layers of these kinds."""
    return f"""
import mlpk
{also}
def forward(layer, arrays, ctx, x):
    return 2 * x, None

def backward(layer, arrays, ctx, saved, dy, grads):
    return 2 * dy

@mlpk.hookimpl
def mlpk_implementations():
    return [mlpk.Implementation(kind, forward=forward, backward=backward) for kind in {kinds!r}]
"""


OUTCOMES = """
    import warnings
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        import mlpk, numpy as np
        for record in mlpk.plugins.records()[1:]:
            print(record.dist, record.state, *record.kinds, *record.implements, record.reason)
        model = mlpk.Model(["relu"], input_shape=(1,), seed=0)
        print("computed", model.predict(np.array([[3.0]])).item())
        model.predict(np.array([[3.0]]))
    for each in caught:
        print("warned", each.message)
"""


def test_a_kind_of_whoever_comes_later_is_implemented_once(
    swish: str, install: Install, run: Run
) -> None:
    install("acme", acme_fast=faster("relu", "swish", "zebra:swish"))
    install("yak", yak=swish.replace("swish", "bleat"))
    install("zebra", zebra=swish)
    shown = run(OUTCOMES)
    assert "acme failed Implementation('zebra:swish'): 'swish' and 'zebra:swish' are the" in shown
    shown = run(OUTCOMES, MLPK_PLUGINS_BLOCK="zebra")
    assert "Implementation('swish'): there is no such kind among the layers" in shown
    assert "computed 3.0" in shown


def test_an_implementation_of_a_kind_that_is_not_active_waits(
    swish: str, install: Install, run: Run
) -> None:
    install("acme", acme_fast=faster("relu", "zebra:swish"))
    install("zebra", zebra=swish)
    for blocked in ("", "zebra"):
        shown = run(OUTCOMES, MLPK_PLUGINS_BLOCK=blocked)
        assert shown.startswith("acme active relu zebra:swish \n")
        assert shown.endswith("computed 6.0\n")


def test_who_implements_what_is_no_kind_is_left_out_whole(
    swish: str, install: Install, run: Run
) -> None:
    """With its own kinds, and so with those who implement these by their short names."""
    own = faster("rleu", "relu", also=swish)
    install("acme", acme=own)
    install("beta", beta=faster("swish"))
    install("delta", delta=faster("acme:swish", "tanh"))
    shown = run(OUTCOMES)
    assert (
        "acme failed Implementation('rleu'): there is no such kind among the layers, losses, "
        "optimizers. Did you mean 'relu'?\n"
    ) in shown
    assert "beta failed Implementation('swish'): there is no such kind" in shown
    assert "delta active acme:swish tanh \n" in shown
    assert "computed 3.0" in shown
    assert shown.count("warned the plugin acme 1.0 failed to load and is left out: Impl") == 1
    assert shown.count("warned") == 2


def test_of_two_that_implement_one_kind_none_computes_until_one_is_chosen(
    install: Install, run: Run
) -> None:
    install("acme", acme=faster("relu"))
    install("beta", beta=faster("relu"))
    shown = run(OUTCOMES)
    assert "computed 3.0" in shown
    assert shown.count("warned acme and beta implement the same kinds (relu)") == 1
    assert shown.count("warned") == 1
    for name, computed in (("acme", 6.0), ("Beta", 6.0), ("numpy", 3.0)):
        shown = run(OUTCOMES, MLPK_IMPLEMENTATION=name)
        assert f"computed {computed}" in shown
        assert "warned" not in shown


def test_what_a_plugin_computes_while_it_is_loaded_is_computed_plainly(
    install: Install, run: Run
) -> None:
    asking = """
import numpy as np
model = mlpk.Model(["relu"], input_shape=(1,), seed=0)
FIRST = model.predict(np.ones((1, 1)))
"""
    install("acme", acme=faster("relu", also=asking))
    for choice in ("", "acme"):
        shown = run(
            """
            import mlpk, numpy as np
            mlpk.layers.relu
            import acme
            print(acme.FIRST, acme.model.predict(np.ones((1, 1))))
            """,
            MLPK_IMPLEMENTATION=choice,
        )
        assert shown == "[[1.]] [[2.]]\n"
