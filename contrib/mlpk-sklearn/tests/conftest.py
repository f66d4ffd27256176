"""Data that the tests share."""

from __future__ import annotations

import os

import numpy as np
import pytest

# Without it scikit-learn skips its check of array inputs; SciPy reads it when it is imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")


@pytest.fixture(scope="session")
def digits():
    """Return 8 x 8 digits as rows of 64 numbers from 0 to 1: x, y, x_test, y_test."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - not before the variable is set
    from sklearn.model_selection import train_test_split  # noqa: PLC0415 - likewise

    X, y = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(X / 16, y, test_size=0.25, stratify=y, random_state=0)
    return x, y, x_test, y_test


@pytest.fixture(scope="session")
def diabetes():
    """Return 442 patients, features and target scaled: x, y, x_test, y_test."""
    from sklearn.datasets import load_diabetes  # noqa: PLC0415 - not before the variable is set
    from sklearn.model_selection import train_test_split  # noqa: PLC0415 - likewise
    from sklearn.preprocessing import scale  # noqa: PLC0415 - likewise

    X, y = load_diabetes(return_X_y=True)
    x, x_test, y, y_test = train_test_split(scale(X), scale(y), random_state=0)
    return x, y, x_test, y_test


@pytest.fixture
def blobs():
    """Return 60 rows of 4 features around three corners, and their classes."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    return rng.standard_normal((60, 4)) + 2 * np.eye(4)[y], y
