"""Registered functions and classes that are no kinds, called with what a user writes for them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from mlpk import catalog
from mlpk.errors import ConfigError, MlpkError, UnknownKindError, nearest, shown

__all__ = ["callback", "called"]


def callback(given: str | Mapping[str, Any], where: str) -> Any:
    """Return a new callback from its registered name, or from a mapping with "kind"."""
    table = {"kind": given} if isinstance(given, str) else dict(given)
    kind = table.pop("kind", None)
    if not isinstance(kind, str):
        problem = f'wanted a name or a mapping, {{"kind": "...", ...}}; found {shown(given)}'
        raise ConfigError(where, problem)
    try:
        made = catalog.current().find("callbacks", kind)
    except UnknownKindError as error:
        raise ConfigError(where, str(error)) from error
    return called(made, kind, table, where)


def called(
    function: Callable[..., Any], name: str, arguments: Mapping[str, Any], where: str
) -> Any:
    """Return what a registered function or class gives for arguments at place `where`."""
    signature = inspect.signature(function)
    try:
        signature.bind(**arguments)
    except TypeError as error:
        known = list(signature.parameters)
        wrong = next((key for key in arguments if key not in known), None)
        place = where if wrong is None else f"{where}.{wrong}"
        takes = f"takes {', '.join(known)}" if known else "takes no arguments"
        raise ConfigError(
            place, f"{name} {takes}; {error}.{nearest(wrong or '', known)}"
        ) from error
    try:
        return function(**arguments)
    except ConfigError as error:
        if error.where.startswith(f"{name}."):
            raise error.moved(f"{name}.", f"{where}.") from error
        raise
    except MlpkError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigError(where, f"{name} cannot take {shown(dict(arguments))}: {error}") from error
