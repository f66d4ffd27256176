"""Plugins that cannot be loaded are left out, told of, and disturb nobody."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Install = Callable[..., None]
Run = Callable[..., str]


def test_a_broken_plugin_is_recorded_warned_of_once_and_left_out(
    swish: str, install: Install, run: Run
) -> None:
    install("acme", acme=swish)
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
            "import mlpk\n@mlpk.hookimpl\ndef mlpk_layer():\n    return []\n{swish}",
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
    swish: str, install: Install, run: Run, source: str, reason: str
) -> None:
    install("acme", acme=source.replace("{swish}", swish))
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


def test_all_of_a_distribution_counts_or_none(swish: str, install: Install, run: Run) -> None:
    install("acme", acme_good=swish, acme_bad="raise ValueError('no')")
    shown = run(
        """
        import warnings
        warnings.simplefilter("ignore")
        import mlpk
        print("swish" in mlpk.layers, [r.kinds for r in mlpk.plugins.records()][1:])
        """
    )
    assert shown == "False [()]\n"


def test_a_folder_without_metadata_is_told_of_and_disturbs_nobody(
    swish: str, install: Install, run: Run
) -> None:
    install("acme", acme=swish)
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
