"""Train, extend and ship neural networks with NumPy alone.

`mlpk.layers`, `mlpk.optimizers` and the other families show what is installed, by name; nothing
is imported until one of them is asked.
"""

from mlpk import plugins
from mlpk.context import Context
from mlpk.declaration import Buffer, Declaration, Param
from mlpk.errors import (
    ConfigError,
    DataError,
    DivergedError,
    FileAccessError,
    FileFormatError,
    GraphError,
    MissingPluginError,
    MlpkError,
    PluginError,
    ShapeError,
    UnknownArrayError,
    UnknownKindError,
)
from mlpk.example import Example
from mlpk.family import Family
from mlpk.hookspecs import hookimpl
from mlpk.implementation import Implementation
from mlpk.initializer import Initializer
from mlpk.kind import define
from mlpk.layer import Layer
from mlpk.loss import Loss
from mlpk.metric import Metric
from mlpk.model import Model
from mlpk.optimizer import Optimizer
from mlpk.preference import use
from mlpk.regularizer import Regularizer
from mlpk.saved import dumps, inspect, load, load_arrays, loads
from mlpk.schedule import Schedule
from mlpk.symbol import Input, Symbol
from mlpk.training import History
from mlpk.version import __version__

layers = Family("layers")
optimizers = Family("optimizers")
losses = Family("losses")
initializers = Family("initializers")
schedules = Family("schedules")
metrics = Family("metrics")
regularizers = Family("regularizers")
callbacks = Family("callbacks")
datasets = Family("datasets")

__all__ = [
    "Buffer",
    "ConfigError",
    "Context",
    "DataError",
    "Declaration",
    "DivergedError",
    "Example",
    "FileAccessError",
    "FileFormatError",
    "GraphError",
    "History",
    "Implementation",
    "Initializer",
    "Input",
    "Layer",
    "Loss",
    "Metric",
    "MissingPluginError",
    "MlpkError",
    "Model",
    "Optimizer",
    "Param",
    "PluginError",
    "Regularizer",
    "Schedule",
    "ShapeError",
    "Symbol",
    "UnknownArrayError",
    "UnknownKindError",
    "__version__",
    "callbacks",
    "datasets",
    "define",
    "dumps",
    "hookimpl",
    "initializers",
    "inspect",
    "layers",
    "load",
    "load_arrays",
    "loads",
    "losses",
    "metrics",
    "optimizers",
    "plugins",
    "regularizers",
    "schedules",
    "use",
]
