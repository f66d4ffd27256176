"""Attention, positions and transformer encoder blocks for mlpk."""

from mlpk import Layer, hookimpl

from mlpk_attention.learned_positions import LearnedPositions
from mlpk_attention.multi_head_attention import MultiHeadAttention
from mlpk_attention.positional_encoding import PositionalEncoding
from mlpk_attention.transformer_encoder_block import TransformerEncoderBlock

__all__ = [
    "LearnedPositions",
    "MultiHeadAttention",
    "PositionalEncoding",
    "TransformerEncoderBlock",
    "mlpk_layers",
]


@hookimpl
def mlpk_layers() -> list[type[Layer]]:
    """Return the layers."""
    return [LearnedPositions, MultiHeadAttention, PositionalEncoding, TransformerEncoderBlock]
