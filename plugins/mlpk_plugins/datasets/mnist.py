"""MNIST."""

from __future__ import annotations

from mlpk_plugins.datasets.parts.images import Split
from mlpk_plugins.datasets.parts.mnist_files import load

__all__ = ["mnist"]

URL = "https://ossci-datasets.s3.amazonaws.com/mnist"
SHA256 = (
    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",  # train-images-idx3-ubyte
    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",  # train-labels-idx1-ubyte
    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",  # t10k-images-idx3-ubyte
    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",  # t10k-labels-idx1-ubyte
)


def mnist() -> Split:
    """Return 60,000 handwritten digits and 10,000 to test with: x, y, x_test, y_test.

    x (N, 28, 28, 1), float32 in [0, 1], 0 the background; y (N,), int64, the digit. The files
    are looked for in the folder mnist under MLPK_DATA, then in the user's cache, then downloaded
    (with the extra "data"); a file that is missing or damaged is a `DataError`.

    LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition,
    Proceedings of the IEEE 86(11), 1998.
    """
    return load("mnist", URL, SHA256)
