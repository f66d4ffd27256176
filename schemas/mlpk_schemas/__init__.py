"""What mlpk writes down: attrs classes, checked field by field. No NumPy, no pluggy."""

from mlpk_schemas.errors import ConfigError, MlpkError
from mlpk_schemas.file import (
    FitState,
    Header,
    KindSpec,
    OptimizerState,
    PluginClaim,
    TensorEntry,
    TrainState,
)
from mlpk_schemas.model import InputSpec, ModelSpec, NodeSpec

__all__ = [
    "ConfigError",
    "FitState",
    "Header",
    "InputSpec",
    "KindSpec",
    "MlpkError",
    "ModelSpec",
    "NodeSpec",
    "OptimizerState",
    "PluginClaim",
    "TensorEntry",
    "TrainState",
]
