"""The check of an annotation, and equality of plain data."""

from __future__ import annotations

from collections.abc import Callable
from math import copysign
from typing import Any

import pytest

from mlpk_schemas.fields import Check, check_of

CheckOf = Callable[[Any], Check]
Same = Callable[[object, object], bool]


@pytest.fixture(scope="session")
def check() -> CheckOf:
    """Return what makes the check of an annotation, where nobody serves others than the common ones."""

    def nothing_else(annotation: Any) -> None:
        del annotation

    return lambda annotation: check_of(annotation, "kind.field", nothing_else)


@pytest.fixture(scope="session")
def same() -> Same:
    """Return what tells whether two plain values are equal in value and in every type."""
    return _same


def _same(a: object, b: object) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, float) and isinstance(b, float):
        return a == b and copysign(1, a) == copysign(1, b)
    return a == b
