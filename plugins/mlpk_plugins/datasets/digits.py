"""Digits: small pictures of handwritten digits, which come with mlpk."""

from __future__ import annotations

from importlib import resources

import numpy as np

from mlpk_plugins.datasets.parts.images import Split, pixels

__all__ = ["digits"]

TRAIN = 1437


def digits() -> Split:
    """Return 1,437 handwritten digits and 360 to test with: x, y, x_test, y_test.

    x (N, 8, 8, 1), float32 in [0, 1], the inked share of 4 x 4 dots, in sixteenths; y (N,),
    int64, the digit. The split is fixed: a fifth of each digit's rows, drawn at random once, is
    the test part. Both parts are by the same 13 people, so a net that reads the test part well
    may read a stranger's hand less well.

    E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, 1998, https://doi.org/10.24432/C50P49, the test part; licence CC BY 4.0.
    digits.txt, beside the data, tells how the file was made.
    """
    with (
        resources.files("mlpk_plugins.datasets").joinpath("digits.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as arrays,
    ):
        x, y = pixels(arrays["x"][..., None], 16), arrays["y"].astype(np.int64)
    return x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:]
