"""Plugins are found on distributions that are really installed, in fresh interpreters."""

from __future__ import annotations

from collections.abc import Callable

Install = Callable[..., None]
Run = Callable[..., str]
RECORDS = """
    import mlpk
    for record in mlpk.plugins.records():
        print(record.dist, record.version, record.state, *record.kinds[:1])
"""


def test_a_plugin_is_found_by_the_normalised_name_of_its_distribution(
    swish: str, install: Install, run: Run
) -> None:
    install("Acme.Gates", acme=swish, version="2.1")
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


def test_a_plugin_that_asks_during_discovery_sees_the_first_party_kinds(
    swish: str, install: Install, run: Run
) -> None:
    asks = "import mlpk\nDENSE = mlpk.layers.dense(units=3)\nLISTED = list(mlpk.layers)"
    install("acme", acme=asks + swish)
    install("zeta", zeta=asks + swish.replace("swish", "zish"))
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


def test_discovery_happens_once_however_many_threads_ask(
    swish: str, install: Install, run: Run
) -> None:
    install("acme", acme="import time\nprint('imported')\ntime.sleep(0.05)" + swish)
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


def test_two_plugins_of_one_kind_must_be_told_apart(swish: str, install: Install, run: Run) -> None:
    install("acme", acme=swish)
    install("zeta", zeta=swish)
    install("gamma", gamma=swish.replace("swish", "dense"))
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


def test_adding_comes_after_what_is_installed_even_if_it_is_the_first_thing_done(
    swish: str, install: Install, run: Run
) -> None:
    install("acme", acme=swish)
    shown = run(
        """
        import mlpk, acme
        mlpk.plugins.add(acme)
        print([record.dist for record in mlpk.plugins.records()])
        print(mlpk.layers["acme:swish"].kind, mlpk.layers["_local:swish"].kind, mlpk.layers.relu())
        """
    )
    assert shown == "['mlpk', 'acme', '_local']\nswish swish ReLU()\n"


def test_refresh_looks_again_and_keeps_what_was_added(
    swish: str, install: Install, run: Run
) -> None:
    install("acme", acme=swish)
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
    swish: str, install: Install, run: Run
) -> None:
    install("acme", acme=swish)
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
