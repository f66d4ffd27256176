"""Fashion-MNIST."""

from __future__ import annotations

from mlpk_plugins.datasets.parts.images import Split
from mlpk_plugins.datasets.parts.mnist_files import load

__all__ = ["fashion_mnist"]

# The authors' server, which speaks no https; the hashes are what vouches for the files.
URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
SHA256 = (
    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",  # train-images-idx3-ubyte
    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",  # train-labels-idx1-ubyte
    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",  # t10k-images-idx3-ubyte
    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",  # t10k-labels-idx1-ubyte
)


def fashion_mnist() -> Split:
    """Return 60,000 pictures of clothes and 10,000 to test with: x, y, x_test, y_test.

    x (N, 28, 28, 1), float32 in [0, 1], 0 the background; y (N,), int64: 0 T-shirt or top,
    1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.
    The files are looked for in the folder fashion-mnist under MLPK_DATA, then in the user's
    cache, then downloaded (with the extra "data"); a file that is missing or damaged is a
    `DataError`.

    Xiao, Rasul and Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking machine
    learning algorithms, 2017, https://arxiv.org/abs/1708.07747.
    """
    return load("fashion-mnist", URL, SHA256)
