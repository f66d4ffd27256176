"""Canonical msgpack: one tree, one sequence of bytes.

A tree is made of None, bool, int, finite float, str, bytes, lists and maps with text as keys.
Keys stand in the order of their UTF-8 bytes, numbers and lengths take their shortest form, floats
are float64.
"""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

import msgpack  # type: ignore[import-untyped] # it has no annotations

from mlpk.errors import ConfigError, FileFormatError, shown
from mlpk.file.layout import DEFAULTS, Limits
from mlpk.file.refusal import refusal
from mlpk_schemas.tree import MAX_DEPTH, Batch, Walk

__all__ = ["decode", "encode"]

ALLOWED: Final = frozenset({type(None), bool, int, float, str, bytes, list, dict})


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
        reason = str(error) or type(error).__name__
        problem = f"the header is not valid msgpack within the limits: {reason}"
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
    """Raise `ConfigError` at the path of the first value found that a tree may not hold."""
    walk = Walk(tree)
    for batch in walk:
        found = _wrong(batch, limits) or _wrong_keys(batch, limits, ordered=ordered)
        if found is not None:
            value, problem = found
            raise ConfigError(walk.where(value), problem)


def _wrong(batch: Batch, limits: Limits) -> tuple[object, str] | None:
    """Return a value that a tree may not hold, and what is wrong with it."""
    if not batch.kinds <= ALLOWED:
        value = next(value for value in batch.values if type(value) not in ALLOWED)
        wanted = "None, bool, int, float, str, bytes, a list or a dict"
        return value, f"wanted {wanted}, found {shown(value)}"
    for holders in (batch.tables, batch.lists):
        if holders and batch.depth > MAX_DEPTH:
            return holders[0], f"wanted at most {MAX_DEPTH} levels, found more"
        if max(map(len, holders), default=0) > limits.items:
            largest = max(holders, key=len)
            return largest, f"wanted at most {limits.items} items, found {len(largest)}"
    numbers = batch.of_type(float)
    if not all(map(isfinite, numbers)):
        number = next(number for number in numbers if not isfinite(number))
        return number, f"wanted a finite number, found {number}"
    text = _too_long(batch.of_type(str), limits)
    return None if text is None else (text, _too_long_problem(text, limits))


def _wrong_keys(batch: Batch, limits: Limits, *, ordered: bool) -> tuple[object, str] | None:
    """Return a table whose keys are not as they must be, and what is wrong with it."""
    keys = batch.keys()
    if not set(map(type, keys)) <= {str}:
        table, key = next((t, key) for t in batch.tables for key in t if type(key) is not str)
        return table, f"wanted text as keys, found {shown(key)}"
    text = _too_long(keys, limits)
    if text is not None:
        table = next(table for table in batch.tables if text in table)
        return table, _too_long_problem(text, limits)
    orders = set(map(tuple, batch.tables)) if ordered else set()  # most have the keys of others
    wrong = {order for order in orders if list(order) != sorted(order)}
    if wrong:
        table = next(table for table in batch.tables if tuple(table) in wrong)
        return table, "wanted sorted keys, found them in another order"
    return None


def _too_long(texts: list[str], limits: Limits) -> str | None:
    """Return a text of more bytes than the limit; most need not be encoded to be counted."""
    if max(map(len, texts), default=0) * 4 <= limits.string:
        return None
    return next((t for t in texts if len(t.encode(errors="replace")) > limits.string), None)


def _too_long_problem(text: str, limits: Limits) -> str:
    return f"wanted text of at most {limits.string} bytes, found {shown(text)}"
