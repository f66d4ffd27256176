"""Everything a plugin may be asked. A hook returns what it brings; it registers nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from click import Command

    from mlpk.implementation import Implementation
    from mlpk.initializer import Initializer
    from mlpk.layer import Layer
    from mlpk.loss import Loss
    from mlpk.metric import Metric
    from mlpk.optimizer import Optimizer
    from mlpk.regularizer import Regularizer
    from mlpk.schedule import Schedule
    from mlpk.training.fit import Fit

__all__ = ["INTERFACE", "hookimpl"]

# Raised when plugins that were right before would not be any more. A plugin's module states the
# one that it was written for as `mlpk_interface`; one that states none was written for the first.
INTERFACE = 1

hookspec = pluggy.HookspecMarker("mlpk")
hookimpl = pluggy.HookimplMarker("mlpk")


@hookspec
def mlpk_layers() -> Iterable[type[Layer]]:  # type: ignore[empty-body] # a signature, never called
    """Return the layer classes that this plugin brings."""


@hookspec
def mlpk_optimizers() -> Iterable[type[Optimizer]]:  # type: ignore[empty-body] # a signature
    """Return the optimizer classes that this plugin brings."""


@hookspec
def mlpk_losses() -> Iterable[type[Loss]]:  # type: ignore[empty-body] # a signature
    """Return the loss classes that this plugin brings."""


@hookspec
def mlpk_initializers() -> Iterable[type[Initializer]]:  # type: ignore[empty-body] # a signature
    """Return the initializer classes that this plugin brings."""


@hookspec
def mlpk_schedules() -> Iterable[type[Schedule]]:  # type: ignore[empty-body] # a signature
    """Return the learning-rate schedule classes that this plugin brings."""


@hookspec
def mlpk_metrics() -> Iterable[type[Metric]]:  # type: ignore[empty-body] # a signature
    """Return the metric classes that this plugin brings."""


@hookspec
def mlpk_regularizers() -> Iterable[type[Regularizer]]:  # type: ignore[empty-body] # a signature
    """Return the regularizer classes that this plugin brings."""


@hookspec
def mlpk_callbacks() -> Iterable[type[Any]]:  # type: ignore[empty-body] # a signature
    """Return the callback classes that this plugin brings: ordinary classes with a `kind`."""


@hookspec
def mlpk_datasets() -> Iterable[Callable[..., Any]]:  # type: ignore[empty-body] # a signature
    """Return the dataset functions that this plugin brings, registered under their names."""


@hookspec
def mlpk_commands() -> Iterable[Command]:  # type: ignore[empty-body] # a signature
    """Return the click commands that this plugin adds to `mlpk`, under their names."""


@hookspec
def mlpk_implementations() -> Iterable[Implementation]:  # type: ignore[empty-body] # a signature
    """Return the faster functions that this plugin has for kinds that exist already."""


@hookspec
def mlpk_fit_begin(fit: Fit) -> None:
    """Observe the start of a training run, before its first batch."""


@hookspec
def mlpk_batch_end(fit: Fit) -> None:
    """Observe the end of a batch; `fit.logs` has its loss."""


@hookspec
def mlpk_epoch_end(fit: Fit) -> None:
    """Observe the end of an epoch; `fit.logs` has its loss, metrics and validation results."""


@hookspec
def mlpk_fit_end(fit: Fit) -> None:
    """Observe the end of a training run, also of one that was stopped or failed."""
