"""What a field may be, and annotations that others serve."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from mlpk_schemas.errors import ConfigError
from mlpk_schemas.fields import Check, check_of

CheckOf = Callable[[Any], Check]


@pytest.mark.parametrize(
    "annotation",
    [
        Callable,
        Callable[[int], int],
        Path,
        bytes,
        object,
        Any,
        complex,
        tuple,
        tuple[()],
        list,
        list[int],
        set[int],
        Mapping,
        Mapping[int, str],
        Mapping[str, bytes],
        int | Path,
        tuple[int, bytes],
        np.ndarray,
        Literal[b"a"],
        "int",
        5,
    ],
)
def test_a_field_may_be_nothing_else(check: CheckOf, annotation: Any) -> None:
    with pytest.raises(ConfigError, match=r"^kind\.field: a (field|Literal) may "):
        check(annotation)


def test_others_may_serve_annotations_of_their_own() -> None:
    class Even(Check):
        wanted = "an even number"

        def __call__(self, value: object, where: str, *, strict: bool) -> Any:
            if not isinstance(value, int) or value % 2:
                raise self.refuse(value, where)
            return value

    def other(annotation: Any) -> Check | None:
        return Even() if annotation is complex else None

    assert check_of(tuple[complex, ...], "f", other)([2, 4], "f", strict=True) == (2, 4)
    with pytest.raises(ConfigError, match=r"f\[1\]: wanted an even number, found 3"):
        check_of(tuple[complex, ...], "f", other)([2, 3], "f", strict=True)


def test_where_text_names_a_thing_plain_text_is_not_tried() -> None:
    class Named(Check):
        wanted = "one of the things"
        named = True

        def __call__(self, value: object, where: str, *, strict: bool) -> Any:
            if value != "known":
                raise self.refuse(value, where)
            return 1

    def other(annotation: Any) -> Check | None:
        return Named() if annotation is complex else None

    for annotation in (complex | str, str | complex):
        made = check_of(annotation, "f", other)
        assert made("known", "f", strict=False) == 1
        with pytest.raises(ConfigError, match="wanted one of the things"):
            made("unknown", "f", strict=False)
