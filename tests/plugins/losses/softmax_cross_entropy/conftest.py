"""Logits whose softmax is worked out by hand."""

import numpy as np
import pytest


@pytest.fixture
def two():
    """Logits of two rows; their softmax is (1/4, 3/4), (1/2, 1/2)."""
    return np.log([[1.0, 3.0], [2.0, 2.0]])


@pytest.fixture
def three():
    """Logits of three rows; their softmax is (1/8, 2/8, 5/8), (3/8, 3/8, 2/8), (1/3, 1/3, 1/3)."""
    return np.log([[1.0, 2.0, 5.0], [3.0, 3.0, 2.0], [1.0, 1.0, 1.0]])
