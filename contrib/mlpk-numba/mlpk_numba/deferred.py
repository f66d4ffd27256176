"""Functions of modules that are imported once somebody calls them: numba takes long to import."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from mlpk.plugins import PluginWarning

__all__ = ["available", "deferred", "served"]


def deferred(module: str, name: str) -> Callable[..., Any]:
    """Return a function that calls the one of this name in a module here."""
    found: Callable[..., Any] | None = None

    def call(*arguments: Any) -> Any:
        nonlocal found
        if found is None:
            found = getattr(import_module(f"mlpk_numba.{module}"), name)
        return found(*arguments)

    return call


def served(module: str) -> Callable[[Any, Any, Any], bool]:
    """Return a function that tells whether numba is there, and what a module says for itself."""

    def serves(instance: Any, shapes: Any, dtype: Any) -> bool:
        if not available():
            return False
        rule = getattr(import_module(f"mlpk_numba.{module}"), "serves", None)
        return rule is None or bool(rule(instance, shapes, dtype))

    return serves


@cache
def available() -> bool:
    """Tell whether numba can be imported; where it cannot, warn of it, once."""
    try:
        import_module("numba")
    except (ImportError, OSError) as error:  # not there, or not for this NumPy, or damaged
        warnings.warn(
            f"mlpk-numba is installed, but numba cannot be imported ({error}), so that NumPy "
            "computes as ever: python -m pip install numba helps, and MLPK_IMPLEMENTATION=numpy "
            "silences this",
            PluginWarning,
            stacklevel=2,
        )
        return False
    return True
