"""Discovery, on distributions that are really installed, in fresh interpreters."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Install = Callable[..., None]
Run = Callable[..., str]

SWISH = """
from typing import ClassVar
import mlpk

@mlpk.define
class Swish(mlpk.Layer):
    kind: ClassVar[str] = "swish"

    def declare(self, x):
        return mlpk.Declaration(x)

    def forward(self, arrays, ctx, x):
        return x, None

    def backward(self, arrays, ctx, saved, dy, grads):
        return dy

    @classmethod
    def examples(cls):
        yield mlpk.Example(cls(), (3,))

@mlpk.hookimpl
def mlpk_layers():
    return [Swish]
"""
RECORDS = """
    import mlpk
    for record in mlpk.plugins.records():
        print(record.dist, record.version, record.state, *record.kinds[:1])
"""


def test_a_plugin_is_found_by_the_normalised_name_of_its_distribution(
    install: Install, run: Run
) -> None:
    install("Acme.Gates", acme=SWISH, version="2.1")
    shown = run(
        RECORDS
        + """
    layer = mlpk.layers.swish()
    assert mlpk.layers["acme-gates:swish"] is type(layer)
    model = mlpk.Model(["swish", {"kind": "swish"}, layer], input_shape=(3,))
    print([node.id for node in model.spec.nodes], list(model.graph.nodes))
    """
    )
    assert "\nacme-gates 2.1 active acme-gates:swish\n" in shown
    assert "['acme-gates:swish', 'acme-gates:swish', 'acme-gates:swish']" in shown
    assert "['swish', 'swish_1', 'swish_2']" in shown


def test_a_broken_plugin_is_recorded_warned_of_once_and_left_out(
    install: Install, run: Run
) -> None:
    install("acme", acme=SWISH)
    install("broken", broken_plugin="import nothing_of_this_name")
    shown = run(
        """
        import warnings
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            import mlpk
            assert not caught
            mlpk.layers.dense, mlpk.layers.swish, mlpk.optimizers.sgd
        assert [w.category for w in caught] == [mlpk.plugins.PluginWarning]
        print(caught[0].message)
        record = {record.dist: record for record in mlpk.plugins.records()}["broken"]
        assert record.state == "failed" and not record.kinds
        assert record.error.startswith("Traceback") and "broken_plugin.py" in record.error
        for ask in (
            lambda: mlpk.layers["broken:thing"],
            lambda: mlpk.Model(["broken:thing"], input_shape=(3,)),
            lambda: mlpk.layers.get("broken:thing"),
        ):
            try:
                ask()
            except mlpk.PluginError as error:
                assert isinstance(error, RuntimeError) and error.dist == "broken"
                print(error)
            else:
                raise AssertionError
        try:
            mlpk.layers.thing
        except mlpk.UnknownKindError as error:
            assert str(error).endswith("These plugins failed to load: broken."), error
        """
    )
    assert "the plugin broken 1.0 failed to load and is left out: ModuleNotFoundError" in shown
    assert (
        shown.count("'broken:thing' is asked for, but the plugin broken 1.0 failed to load: Mod")
        == 3
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("x = 1", "brings nothing"),
        (
            "import mlpk\n@mlpk.hookimpl\ndef mlpk_layer():\n    return []\n" + SWISH,
            "there is no hook mlpk_layer. Did you mean 'mlpk_layers'?",
        ),
        ("def mlpk_layers():\n    return []", "mlpk_layers is not marked as a hook"),
        (
            "import mlpk\n@mlpk.hookimpl\ndef mlpk_layers(catalog):\n    return []",
            "a hook does not fit its specification",
        ),
        (
            "import mlpk\n@mlpk.hookimpl\ndef mlpk_layers():\n    return [int]",
            "wanted subclasses of Layer, found <class 'int'>",
        ),
        ("import mlpk\n@mlpk.hookimpl\ndef mlpk_losses():\n    return 1 / 0", "ZeroDivisionError"),
    ],
)
def test_whatever_is_wrong_stays_the_plugin_s_own(
    install: Install, run: Run, source: str, reason: str
) -> None:
    install("acme", acme=source)
    shown = run(
        """
        import warnings
        warnings.simplefilter("ignore")
        import mlpk
        mlpk.layers.dense
        record, = [record for record in mlpk.plugins.records() if record.dist == "acme"]
        print(record.state, record.error)
        """
    )
    assert shown.startswith("failed Traceback")
    assert reason in shown


def test_all_of_a_distribution_counts_or_none(install: Install, run: Run) -> None:
    install("acme", acme_good=SWISH, acme_bad="raise ValueError('no')")
    shown = run(
        """
        import warnings
        warnings.simplefilter("ignore")
        import mlpk
        print("swish" in mlpk.layers, [r.kinds for r in mlpk.plugins.records()][1:])
        """
    )
    assert shown == "False [()]\n"


def test_the_environment_says_which_third_parties_are_active(install: Install, run: Run) -> None:
    install("Acme.Gates", acme=SWISH)
    install("zeta", zeta="raise AssertionError('imported though blocked')")
    for variables, states in (
        ({"MLPK_PLUGINS": ""}, ("blocked", "blocked")),
        ({"MLPK_PLUGINS": " acme_gates "}, ("active", "blocked")),
        ({"MLPK_PLUGINS_BLOCK": "zeta"}, ("active", "blocked")),
        ({"MLPK_PLUGINS": "acme-gates,zeta", "MLPK_PLUGINS_BLOCK": "ZETA"}, ("active", "blocked")),
    ):
        shown = run(RECORDS, **variables)
        assert shown.startswith("mlpk "), shown
        assert f"acme-gates 1.0 {states[0]}" in shown, shown
        assert f"zeta 1.0 {states[1]}" in shown, shown
    shown = run(
        """
        import mlpk
        try:
            mlpk.layers["zeta:thing"]
        except mlpk.PluginError as error:
            print(error)
        """,
        MLPK_PLUGINS="acme-gates",
    )
    assert "'zeta:thing' is asked for, but the plugin zeta 1.0 is blocked" in shown
    assert "MLPK_PLUGINS" in shown


def test_a_name_in_the_environment_that_is_not_installed_is_an_error(
    install: Install, run: Run
) -> None:
    install("acme", acme=SWISH)
    for variable in ("MLPK_PLUGINS", "MLPK_PLUGINS_BLOCK"):
        shown = run(
            """
            import mlpk
            for _ in range(2):
                try:
                    mlpk.layers.dense
                except mlpk.PluginError as error:
                    print(error)
            """,
            **{variable: "acm"},
        )
        wanted = f"{variable} names 'acm', but no plugin of that name is installed. Did you mean"
        assert shown.count(wanted) == 2


def test_mlpk_s_own_plugins_are_always_active(run: Run) -> None:
    for variable in ("MLPK_PLUGINS", "MLPK_PLUGINS_BLOCK"):
        shown = run(
            """
            import mlpk
            try:
                mlpk.layers.dense
            except mlpk.PluginError as error:
                print(error)
            """,
            **{variable: "mlpk"},
        )
        assert shown == (
            f"{variable} names 'mlpk', whose own plugins are always active; leave it out\n"
        )


def test_strict_makes_a_failure_an_error(install: Install, run: Run) -> None:
    install("broken", broken_plugin="import nothing_of_this_name")
    shown = run(
        """
        import mlpk
        try:
            mlpk.layers.dense
        except mlpk.PluginError as error:
            print(error.dist, error)
        """,
        MLPK_PLUGINS_STRICT="1",
    )
    assert shown.startswith("broken the plugin broken 1.0 failed to load")


def test_a_plugin_that_asks_during_discovery_sees_the_first_party_kinds(
    install: Install, run: Run
) -> None:
    asks = "import mlpk\nDENSE = mlpk.layers.dense(units=3)\nLISTED = list(mlpk.layers)"
    install("acme", acme=asks + SWISH)
    install("zeta", zeta=asks + SWISH.replace("swish", "zish"))
    shown = run(
        """
        import mlpk
        listed = list(mlpk.layers)
        import acme, zeta
        assert {"swish", "zish"} <= set(listed)
        assert acme.LISTED == zeta.LISTED == [n for n in listed if n not in ("swish", "zish")]
        print(acme.DENSE == mlpk.layers.dense(units=3))
        """
    )
    assert shown == "True\n"


def test_discovery_happens_once_however_many_threads_ask(install: Install, run: Run) -> None:
    install("acme", acme="import time\nprint('imported')\ntime.sleep(0.05)" + SWISH)
    shown = run(
        """
        import threading
        import mlpk
        print("before")
        found = []
        start = threading.Barrier(6)
        def ask():
            start.wait()
            found.append(mlpk.layers.swish)
        threads = [threading.Thread(target=ask) for _ in range(6)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert len(found) == 6 and len(set(found)) == 1
        """
    )
    assert shown == "before\nimported\n"


def test_two_plugins_of_one_kind_must_be_told_apart(install: Install, run: Run) -> None:
    install("acme", acme=SWISH)
    install("zeta", zeta=SWISH)
    install("gamma", gamma=SWISH.replace("swish", "dense"))
    shown = run(
        """
        import mlpk
        try:
            mlpk.layers.swish
        except mlpk.UnknownKindError as error:
            print(error)
        assert mlpk.layers["acme:swish"] is not mlpk.layers["zeta:swish"]
        assert mlpk.layers.dense.__module__ == "mlpk_plugins.layers.dense"
        assert mlpk.layers["gamma:dense"].__module__ == "gamma"
        """
    )
    assert "'swish' is offered by several plugins: 'acme:swish' and 'zeta:swish'" in shown


def test_a_folder_without_metadata_is_told_of_and_disturbs_nobody(
    install: Install, run: Run
) -> None:
    install("acme", acme=SWISH)
    shown = run(
        """
        import pathlib, sys
        next(pathlib.Path(sys.path[1]).glob("acme-*/METADATA")).unlink()
        import mlpk
        print(mlpk.layers.dense.kind, "swish" in mlpk.layers)
        print([(record.dist, record.state) for record in mlpk.plugins.records()])
        """
    )
    assert (
        "the plugin (acme-1.0.dist-info) failed to load and is left out: METADATA has no" in shown
    )
    assert "install it again, or delete what is left of it" in shown
    assert "MLPK_PLUGINS_BLOCK" not in shown
    assert "dense False\n[('mlpk', 'active'), ('(acme-1.0.dist-info)', 'failed')]\n" in shown


def test_adding_comes_after_what_is_installed_even_if_it_is_the_first_thing_done(
    install: Install, run: Run
) -> None:
    install("acme", acme=SWISH)
    shown = run(
        """
        import mlpk, acme
        mlpk.plugins.add(acme)
        print([record.dist for record in mlpk.plugins.records()])
        print(mlpk.layers["acme:swish"].kind, mlpk.layers["_local:swish"].kind, mlpk.layers.relu())
        """
    )
    assert shown == "['mlpk', 'acme', '_local']\nswish swish ReLU()\n"


def test_refresh_looks_again_and_keeps_what_was_added(install: Install, run: Run) -> None:
    install("acme", acme=SWISH)
    shown = run(
        """
        import os
        os.environ["MLPK_PLUGINS"] = ""
        import mlpk
        print("swish" in mlpk.layers)
        import acme
        mlpk.plugins.add(acme)
        print(mlpk.layers["_local:swish"] is acme.Swish)
        del os.environ["MLPK_PLUGINS"]
        print([(r.dist, r.state) for r in mlpk.plugins.refresh()])
        print(mlpk.layers["_local:swish"], mlpk.layers["acme:swish"])
        """
    )
    assert shown.splitlines()[:2] == ["False", "True"]
    assert "[('mlpk', 'active'), ('acme', 'active'), ('_local', 'active')]" in shown


def test_refresh_sees_what_came_too_soon_for_the_clock_of_the_disk(
    install: Install, run: Run
) -> None:
    install("acme", acme=SWISH)
    shown = run(
        """
        import importlib.util, os, pathlib, shutil, sys
        site = pathlib.Path(sys.path[1])
        import mlpk
        mlpk.plugins.refresh()
        assert importlib.util.find_spec("zeta") is None
        before = os.stat(site)
        text = (site / "acme.py").read_text()
        (site / "zeta.py").write_text(text.replace("swish", "zish"))
        shutil.copytree(site / "acme-1.0.dist-info", site / "zeta-1.0.dist-info")
        for file in (site / "zeta-1.0.dist-info").iterdir():
            file.write_text(file.read_text().replace("acme", "zeta"))
        os.utime(site, ns=(before.st_atime_ns, before.st_mtime_ns))
        print([(record.dist, record.state) for record in mlpk.plugins.refresh()])
        print(mlpk.layers.zish().kind)
        """
    )
    assert shown == ("[('mlpk', 'active'), ('acme', 'active'), ('zeta', 'active')]\nzish\n")


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


def test_a_kind_of_whoever_comes_later_is_implemented_once(install: Install, run: Run) -> None:
    install("acme", acme_fast=faster("relu", "swish", "zebra:swish"))
    install("yak", yak=SWISH.replace("swish", "bleat"))
    install("zebra", zebra=SWISH)
    shown = run(OUTCOMES)
    assert "acme failed Implementation('zebra:swish'): 'swish' and 'zebra:swish' are the" in shown
    shown = run(OUTCOMES, MLPK_PLUGINS_BLOCK="zebra")
    assert "Implementation('swish'): there is no such kind among the layers" in shown
    assert "computed 3.0" in shown


def test_an_implementation_of_a_kind_that_is_not_active_waits(install: Install, run: Run) -> None:
    install("acme", acme_fast=faster("relu", "zebra:swish"))
    install("zebra", zebra=SWISH)
    for blocked in ("", "zebra"):
        shown = run(OUTCOMES, MLPK_PLUGINS_BLOCK=blocked)
        assert shown.startswith("acme active relu zebra:swish \n")
        assert shown.endswith("computed 6.0\n")


def test_who_implements_what_is_no_kind_is_left_out_whole(install: Install, run: Run) -> None:
    """With its own kinds, and so with those who implement these by their short names."""
    own = faster("rleu", "relu", also=SWISH)
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
