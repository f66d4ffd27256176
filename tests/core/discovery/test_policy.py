"""The environment says which plugins are active, and how strictly failures are taken."""

from __future__ import annotations

from collections.abc import Callable

Install = Callable[..., None]
Run = Callable[..., str]
RECORDS = """
    import mlpk
    for record in mlpk.plugins.records():
        print(record.dist, record.version, record.state, *record.kinds[:1])
"""


def test_the_environment_says_which_third_parties_are_active(
    swish: str, install: Install, run: Run
) -> None:
    install("Acme.Gates", acme=swish)
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
    swish: str, install: Install, run: Run
) -> None:
    install("acme", acme=swish)
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
