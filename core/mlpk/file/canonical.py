"""Canonical msgpack: one tree, one sequence of bytes.

A tree is made of None, bool, int, finite float, str, bytes, lists and maps with text as keys.
Keys stand in the order of their UTF-8 bytes, numbers and lengths take their shortest form, floats
are float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any, Final, TypeAlias

import msgpack  # type: ignore[import-untyped] # it has no annotations

from mlpk.errors import ConfigError, FileFormatError, shown
from mlpk.file.layout import DEFAULTS, Limits
from mlpk.file.refusal import refusal
from mlpk_schemas.fields import MAX_DEPTH

__all__ = ["decode", "encode"]

Steps: TypeAlias = list[str | int]

PLAIN: Final = frozenset({type(None), bool, int, bytes})


def encode(tree: object, limits: Limits = DEFAULTS) -> bytes:
    """Return the canonical bytes of a tree, or raise `ConfigError` with the path of what is none."""
    _check(tree, limits)
    try:
        return _pack(_sorted(tree))
    except OverflowError:
        raise ConfigError("", "wanted integers of 64 bits, found a larger one") from None
    except UnicodeEncodeError as error:
        problem = f"wanted text of valid UTF-8, found {shown(error.object)}"
        raise ConfigError("", problem) from None


def decode(data: bytes, limits: Limits = DEFAULTS, *, start: int = 0) -> Any:
    """Return the tree of canonical bytes; `start` is their offset in the file, for errors."""
    try:
        tree = msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=True,
            max_str_len=limits.string,
            max_bin_len=limits.header,
            max_array_len=limits.items,
            max_map_len=limits.items,
            max_ext_len=0,
        )
        again = _pack(tree)
    except (ValueError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        problem = f"the header is not valid msgpack within the limits: {error}"
        raise FileFormatError(problem, field="header", offset=start) from error
    if again != data:
        first = next(
            (i for i, (a, b) in enumerate(zip(again, data, strict=False)) if a != b),
            min(len(again), len(data)),
        )
        problem = "the header is not canonical: written again it gives other bytes"
        raise FileFormatError(problem, field="header", offset=start + first)
    with refusal():
        _check(tree, limits, ordered=True)
    return tree


def _pack(tree: object) -> bytes:
    packed: bytes = msgpack.packb(
        tree, use_bin_type=True, use_single_float=False, strict_types=True, datetime=False
    )
    return packed


def _sorted(value: object) -> object:
    """Return the tree with the keys of each map in order; code points sort as their UTF-8 does."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value


def _check(tree: object, limits: Limits, *, ordered: bool = False) -> None:
    """Raise `ConfigError` at the path of the first value that a tree may not hold.

    The walk keeps one iterator a level, so neither depth nor size of the tree costs stack or
    memory, and the path is put together only for an error.
    """
    levels: list[Iterator[tuple[Any, Any]]] = [iter([("", tree)])]
    path: Steps = [""]
    while levels:
        for key, value in levels[-1]:
            kind = type(value)
            if kind in PLAIN:
                continue
            path[-1] = key
            if kind is list or kind is dict:
                _check_container(value, limits, path)
                if kind is dict:
                    _check_keys(value, limits, path, ordered=ordered)
                    levels.append(iter(value.items()))
                else:
                    levels.append(enumerate(value))
                path.append("")
                break
            _check_scalar(value, limits, path)
        else:
            levels.pop()
            path.pop()


def _check_container(value: list[Any] | dict[Any, Any], limits: Limits, path: Steps) -> None:
    if len(path) > MAX_DEPTH:
        raise _wrong(path, f"wanted at most {MAX_DEPTH} levels, found more")
    if len(value) > limits.items:
        raise _wrong(path, f"wanted at most {limits.items} items, found {len(value)}")


def _check_keys(value: dict[Any, Any], limits: Limits, path: Steps, *, ordered: bool) -> None:
    for key in value:
        if type(key) is not str:
            raise _wrong(path, f"wanted text as keys, found {shown(key)}")
        if len(key) * 4 > limits.string:
            _check_scalar(key, limits, path)
    if ordered and len(value) > 1 and (keys := list(value)) != sorted(keys):
        raise _wrong(path, "wanted sorted keys, found them in another order")


def _check_scalar(value: object, limits: Limits, path: Steps) -> None:
    if type(value) is str:
        # A character takes at most four bytes, so that most need not be encoded to be counted.
        if len(value) * 4 > limits.string and len(value.encode(errors="replace")) > limits.string:
            problem = f"wanted text of at most {limits.string} bytes, found {shown(value)}"
            raise _wrong(path, problem)
    elif type(value) is float:
        if not isfinite(value):
            raise _wrong(path, f"wanted a finite number, found {value}")
    else:
        wanted = "None, bool, int, float, str, bytes, a list or a dict"
        raise _wrong(path, f"wanted {wanted}, found {shown(value)}")


def _wrong(path: Steps, problem: str) -> ConfigError:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path[1:])
    return ConfigError("".join(steps).removeprefix("."), problem)
