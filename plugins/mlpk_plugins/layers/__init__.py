"""The layers that come with mlpk."""

from mlpk import Layer, hookimpl
from mlpk_plugins.layers.add import Add
from mlpk_plugins.layers.average import Average
from mlpk_plugins.layers.average_pool1d import AveragePool1D
from mlpk_plugins.layers.average_pool2d import AveragePool2D
from mlpk_plugins.layers.batch_norm import BatchNorm
from mlpk_plugins.layers.bidirectional import Bidirectional
from mlpk_plugins.layers.concatenate import Concatenate
from mlpk_plugins.layers.conv1d import Conv1D
from mlpk_plugins.layers.conv2d import Conv2D
from mlpk_plugins.layers.conv2d_transpose import Conv2DTranspose
from mlpk_plugins.layers.cropping2d import Cropping2D
from mlpk_plugins.layers.dense import Dense
from mlpk_plugins.layers.depthwise_conv2d import DepthwiseConv2D
from mlpk_plugins.layers.dot import Dot
from mlpk_plugins.layers.dropout import Dropout
from mlpk_plugins.layers.elu import ELU
from mlpk_plugins.layers.embedding import Embedding
from mlpk_plugins.layers.flatten import Flatten
from mlpk_plugins.layers.gaussian_noise import GaussianNoise
from mlpk_plugins.layers.gelu import GELU
from mlpk_plugins.layers.global_average_pool1d import GlobalAveragePool1D
from mlpk_plugins.layers.global_average_pool2d import GlobalAveragePool2D
from mlpk_plugins.layers.global_max_pool1d import GlobalMaxPool1D
from mlpk_plugins.layers.global_max_pool2d import GlobalMaxPool2D
from mlpk_plugins.layers.group_norm import GroupNorm
from mlpk_plugins.layers.gru import GRU
from mlpk_plugins.layers.hard_sigmoid import HardSigmoid
from mlpk_plugins.layers.hard_swish import HardSwish
from mlpk_plugins.layers.identity import Identity
from mlpk_plugins.layers.layer_norm import LayerNorm
from mlpk_plugins.layers.leaky_relu import LeakyReLU
from mlpk_plugins.layers.log_softmax import LogSoftmax
from mlpk_plugins.layers.lstm import LSTM
from mlpk_plugins.layers.max_pool1d import MaxPool1D
from mlpk_plugins.layers.max_pool2d import MaxPool2D
from mlpk_plugins.layers.maximum import Maximum
from mlpk_plugins.layers.mish import Mish
from mlpk_plugins.layers.multiply import Multiply
from mlpk_plugins.layers.permute import Permute
from mlpk_plugins.layers.prelu import PReLU
from mlpk_plugins.layers.relu import ReLU
from mlpk_plugins.layers.repeat import Repeat
from mlpk_plugins.layers.reshape import Reshape
from mlpk_plugins.layers.rms_norm import RMSNorm
from mlpk_plugins.layers.selu import SELU
from mlpk_plugins.layers.separable_conv2d import SeparableConv2D
from mlpk_plugins.layers.sigmoid import Sigmoid
from mlpk_plugins.layers.silu import SiLU
from mlpk_plugins.layers.simple_rnn import SimpleRNN
from mlpk_plugins.layers.softmax import Softmax
from mlpk_plugins.layers.softplus import Softplus
from mlpk_plugins.layers.softsign import Softsign
from mlpk_plugins.layers.spatial_dropout import SpatialDropout
from mlpk_plugins.layers.subtract import Subtract
from mlpk_plugins.layers.tanh import Tanh
from mlpk_plugins.layers.upsampling2d import Upsampling2D
from mlpk_plugins.layers.zero_padding2d import ZeroPadding2D


@hookimpl
def mlpk_layers() -> list[type[Layer]]:
    """Return the layers."""
    return [
        Add,
        Average,
        AveragePool1D,
        AveragePool2D,
        BatchNorm,
        Bidirectional,
        Concatenate,
        Conv1D,
        Conv2D,
        Conv2DTranspose,
        Cropping2D,
        Dense,
        DepthwiseConv2D,
        Dot,
        Dropout,
        ELU,
        Embedding,
        Flatten,
        GaussianNoise,
        GELU,
        GlobalAveragePool1D,
        GlobalAveragePool2D,
        GlobalMaxPool1D,
        GlobalMaxPool2D,
        GroupNorm,
        GRU,
        HardSigmoid,
        HardSwish,
        Identity,
        LayerNorm,
        LeakyReLU,
        LogSoftmax,
        LSTM,
        MaxPool1D,
        MaxPool2D,
        Maximum,
        Mish,
        Multiply,
        Permute,
        PReLU,
        ReLU,
        Repeat,
        Reshape,
        RMSNorm,
        SELU,
        SeparableConv2D,
        Sigmoid,
        SiLU,
        SimpleRNN,
        Softmax,
        Softplus,
        Softsign,
        SpatialDropout,
        Subtract,
        Tanh,
        Upsampling2D,
        ZeroPadding2D,
    ]
