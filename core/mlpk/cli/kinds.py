"""What a configuration names, made; every error names the place in the configuration."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import mlpk
from mlpk.catalog import Family
from mlpk.errors import ConfigError, MlpkError, UnknownKindError, nearest, shown
from mlpk.kind import Kind
from mlpk.loss import Loss
from mlpk.metric import Metric
from mlpk.regularizer import Regularizer
from mlpk_schemas.run import FitConfig, KindConfig

__all__ = ["callback", "called", "found", "made", "measured"]

K = TypeVar("K", bound=Kind)
Maker = Callable[[Any, str], K]


def made(of: Maker[K], given: KindConfig, where: str) -> K:
    """Return what a configuration describes; `of` is that of its interface: Layer.of, Loss.of, ..."""
    try:
        return of(given, where)
    except UnknownKindError as error:
        raise ConfigError(where, str(error)) from error


def measured(fit: FitConfig) -> dict[str, Any]:
    """Return loss, metrics and regularizer, as `fit` and `evaluate` take them."""
    penalty = fit.regularizer
    return {
        "loss": _made_each(Loss.of, fit.loss, "fit.loss"),
        "metrics": _made_each(Metric.of, fit.metrics, "fit.metrics"),
        "regularizer": None
        if penalty is None
        else made(Regularizer.of, penalty, "fit.regularizer"),
    }


def callback(given: KindConfig, where: str) -> Any:
    """Return the callback that a configuration describes."""
    table = {"kind": given} if isinstance(given, str) else dict(given)
    kind = table.pop("kind", None)
    if not isinstance(kind, str):
        problem = f'wanted a name or {{ kind = "...", ... }}, found {shown(given)}'
        raise ConfigError(where, problem)
    return called(found(mlpk.callbacks, kind, where), kind, table, where)


def found(family: Family, name: str, where: str) -> Any:
    """Return what is registered in a family under a name."""
    try:
        return family[name]
    except UnknownKindError as error:
        raise ConfigError(where, str(error)) from error


def called(
    function: Callable[..., Any], name: str, arguments: Mapping[str, Any], where: str
) -> Any:
    """Return what a registered function or class gives for arguments from a configuration."""
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


def _made_each(of: Maker[K], given: Any, where: str) -> Any:
    """Return the same structure with its kinds made: one, a list, or a mapping by output."""
    if isinstance(given, list | tuple):
        return [made(of, item, f"{where}[{place}]") for place, item in enumerate(given)]
    if isinstance(given, Mapping) and "kind" not in given:
        return {name: _made_each(of, item, f"{where}.{name}") for name, item in given.items()}
    return made(of, given, where)
