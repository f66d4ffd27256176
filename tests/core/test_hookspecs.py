from __future__ import annotations

import inspect

import pluggy
import pytest

from mlpk import hookspecs
from mlpk.record import IMPLEMENTATIONS
from mlpk.staging import FAMILIES

HOOKS = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("mlpk_")}
OBSERVING = {"mlpk_fit_begin", "mlpk_batch_end", "mlpk_epoch_end", "mlpk_fit_end"}


def test_there_is_a_hook_a_family_one_for_implementations_and_four_that_observe() -> None:
    returning = {f"mlpk_{family}" for family in (*FAMILIES, IMPLEMENTATIONS)}
    assert HOOKS.keys() == returning | OBSERVING


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_a_signature_with_a_sentence(name: str) -> None:
    hook = HOOKS[name]
    assert list(inspect.signature(hook).parameters) == (["fit"] if name in OBSERVING else [])
    assert (hook.__doc__ or "").endswith(".")


def test_pluggy_takes_them_as_specifications() -> None:
    manager = pluggy.PluginManager("mlpk")
    manager.add_hookspecs(hookspecs)
    for name in HOOKS:
        assert getattr(manager.hook, name).spec is not None
