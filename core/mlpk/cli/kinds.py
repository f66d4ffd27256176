"""What a configuration names, made; every error names the place in the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from mlpk.errors import ConfigError, UnknownKindError
from mlpk.family import Family
from mlpk.kind import Kind
from mlpk.loss import Loss
from mlpk.metric import Metric
from mlpk.regularizer import Regularizer
from mlpk_schemas.run import FitConfig, KindConfig

__all__ = ["found", "made", "measured"]

K = TypeVar("K", bound=Kind)
Maker = Callable[[Any, str], K]


def made(of: Maker[K], given: KindConfig, where: str) -> K:
    """Return what a configuration describes; `of` is that of its interface: Layer.of, Loss.of, ..."""
    try:
        return of(given, where)
    except UnknownKindError as error:
        raise _unknown(error, where) from error


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


def found(family: Family, name: str, where: str) -> Any:
    """Return what is registered in a family under a name."""
    try:
        return family[name]
    except UnknownKindError as error:
        raise _unknown(error, where) from error


def _unknown(error: UnknownKindError, where: str) -> ConfigError:
    plugins = "If a plugin brings it, that has to be installed: `mlpk plugins` lists them."
    return ConfigError(where, f"{error} {plugins}")


def _made_each(of: Maker[K], given: Any, where: str) -> Any:
    """Return the same structure with its kinds made: one, a list, or a mapping by output."""
    if isinstance(given, list | tuple):
        return [made(of, item, f"{where}[{place}]") for place, item in enumerate(given)]
    if isinstance(given, Mapping) and "kind" not in given:
        return {name: _made_each(of, item, f"{where}.{name}") for name, item in given.items()}
    return made(of, given, where)
