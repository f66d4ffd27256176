"""The check of a field's value, and those of the simplest: numbers, text, bytes, given options."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import isfinite
from numbers import Integral, Real
from typing import Any

from mlpk_schemas.errors import ConfigError, nearest, shown

__all__ = [
    "BoolCheck",
    "BytesCheck",
    "Check",
    "FloatCheck",
    "IntCheck",
    "LiteralCheck",
    "NoneCheck",
    "StrCheck",
    "text",
]

INT_RANGE = range(-(2**63), 2**64)


class Check(ABC):
    """A test of one value. `wanted` names what passes, for messages.

    Where `named` holds, text stands for the value (a kind's name), also in a union with `str`.
    Plain data of exactly the types in `exact` pass as they are.
    """

    wanted: str
    named: bool = False
    exact: frozenset[type] = frozenset()

    @abstractmethod
    def __call__(self, value: object, where: str, *, strict: bool) -> Any:
        """Return the value, converted if need be, or raise `ConfigError` at path `where`."""

    def refuse(self, value: object, where: str) -> ConfigError:
        return ConfigError(where, f"wanted {self.wanted}, found {shown(value)}{self.advice(value)}")

    def advice(self, value: object) -> str:
        """Return what to write in place of a value that was refused, "" where nothing helps."""
        kind = getattr(value, "kind", None) if isinstance(value, type) else None
        return f"; call it to make an instance: {kind}(...)" if isinstance(kind, str) else ""


class NoneCheck(Check):
    """None."""

    wanted = "None"
    exact = frozenset({type(None)})

    def __call__(self, value: object, where: str, *, strict: bool) -> None:
        if value is not None:
            raise self.refuse(value, where)


class BoolCheck(Check):
    """True or False, and no number that stands for them."""

    wanted = "true or false"
    exact = frozenset({bool})

    def __call__(self, value: object, where: str, *, strict: bool) -> bool:
        if not isinstance(value, bool):
            raise self.refuse(value, where)
        return value


class IntCheck(Check):
    """An integer of 64 bits, signed or not."""

    wanted = "an integer"
    exact = frozenset({int})

    def __call__(self, value: object, where: str, *, strict: bool) -> int:
        if strict and type(value) is not int:
            raise self.refuse(value, where)
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise self.refuse(value, where)
        if int(value) not in INT_RANGE:
            raise ConfigError(where, f"wanted an integer of 64 bits, found {shown(value)}")
        return int(value)


class FloatCheck(Check):
    """A finite number; an integer becomes a float where nothing is strict."""

    wanted = "a number"
    exact = frozenset({float})

    def __call__(self, value: object, where: str, *, strict: bool) -> float:
        if strict and type(value) is not float:
            raise self.refuse(value, where)
        if isinstance(value, bool) or not isinstance(value, Real):
            raise self.refuse(value, where)
        try:
            number = float(value)
        except OverflowError:
            raise self.refuse(value, where) from None
        if not isfinite(number):
            raise ConfigError(where, f"wanted a finite number, found {number}")
        return number


class StrCheck(Check):
    """Text that a file can hold."""

    wanted = "text"
    exact = frozenset({str})

    def __call__(self, value: object, where: str, *, strict: bool) -> str:
        if not isinstance(value, str):
            raise self.refuse(value, where)
        return text(value, where)


class BytesCheck(Check):
    """Bytes, in records alone."""

    wanted = "bytes"

    def __call__(self, value: object, where: str, *, strict: bool) -> bytes:
        if not isinstance(value, bytes):
            raise self.refuse(value, where)
        return value


class LiteralCheck(Check):
    """One of the values of a `Literal`, of exactly their types (True is not 1)."""

    def __init__(self, options: tuple[Any, ...]) -> None:
        self.options = options
        self.wanted = " or ".join(repr(option) for option in options)

    def __call__(self, value: object, where: str, *, strict: bool) -> Any:
        for option in self.options:
            if type(value) is type(option) and value == option:
                return option
        raise self.refuse(value, where)

    def advice(self, value: object) -> str:
        if not isinstance(value, str):
            return super().advice(value)
        known = [option for option in self.options if isinstance(option, str)]
        folded = [option for option in known if option.lower() == value.lower()]
        return f". Did you mean '{folded[0]}'?" if folded else _sentence(nearest(value, known))


def _sentence(hint: str) -> str:
    return f".{hint}" if hint else ""


def text(value: str, where: str) -> str:
    """Return text as a plain `str`, or refuse what no file could hold."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ConfigError(where, f"wanted text of valid UTF-8, found {shown(value)}") from None
    return str(value)
