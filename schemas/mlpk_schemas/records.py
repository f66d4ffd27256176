"""Frozen attrs classes whose every value is checked, whoever makes them.

`make` turns an annotated class into one; `build` makes an instance from a mapping; `plain` turns
an instance back into plain data. The schema classes here and the kinds of every plugin share it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast, dataclass_transform, get_type_hints

import attrs

from mlpk_schemas.checks import BytesCheck, Check
from mlpk_schemas.errors import ConfigError, nearest, shown
from mlpk_schemas.fields import AnyPlain, check_of
from mlpk_schemas.synonyms import field_hint

__all__ = ["assembled", "build", "evolved", "make", "plain", "record", "values"]

T = TypeVar("T")
C = TypeVar("C", bound=type)


def make(cls: C, label: str, other: Callable[[Any], Check | None], *, kw_only: bool = False) -> C:
    """Return `cls` as a frozen attrs class; `label` starts the path of each of its errors.

    Refuses a field whose annotation `check_of` does not know, there and then, and a class that
    would not be made of its fields alone.
    """
    if "__init__" in vars(cls):
        problem = "wanted fields alone, found an __init__; check them in __attrs_post_init__"
        raise ConfigError(label, problem)
    try:
        hints = get_type_hints(cls)
    except (NameError, SyntaxError) as error:
        raise ConfigError(label, f"an annotation cannot be resolved: {error}") from error

    checks: dict[str, Check] = {}

    def checked(_: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
        for field in fields:
            where = f"{label}.{field.name}"
            if field.name not in hints:
                raise ConfigError(where, "this field has no annotation; say what it may hold")
            if field.name.startswith("_") or field.alias not in (None, field.name):
                raise ConfigError(where, "wanted a name without underscore in front or alias")
            if not field.init:
                raise ConfigError(where, "wanted a field that can be given, found init=False")
            checks[field.name] = check_of(hints[field.name], where, other)
        return [
            field.evolve(
                converter=_converter(field, checks[field.name], label),
                validator=_validator(field.validator, label),
            )
            for field in fields
        ]

    made: Any = attrs.define(
        cls, frozen=True, slots=False, init=False, kw_only=kw_only, field_transformer=checked
    )
    made.__init__ = _init(made, label)
    made.__signature__ = _signature(made)
    made.__mlpk_checks__ = checks
    made.__mlpk_label__ = label
    return cast("C", made)


def build(cls: type[T], mapping: object, where: str, *, strict: bool) -> T:
    """Return an instance of a class made by `make` from a mapping of exactly its fields.

    With `strict` no value is converted and no default is filled in: this is the door for files.
    Errors name the path of the field, starting at `where`.
    """
    if not isinstance(mapping, Mapping):
        raise ConfigError(where, f"wanted a mapping, found {shown(mapping)}")
    checks: dict[str, Check] = cls.__mlpk_checks__  # type: ignore[attr-defined] # set by make
    if mapping.keys() != checks.keys():
        _refuse_unknown(mapping, checks, where, cls)
        _refuse_missing(cls, mapping, where, strict=strict)
    values = {
        name: checks[name](mapping[name], f"{where}.{name}" if where else name, strict=strict)
        for name in checks
        if name in mapping
    }
    label: str = cls.__mlpk_label__  # type: ignore[attr-defined] # set by make
    try:
        return assembled(cls, values) if strict else cls(**values)
    except ConfigError as error:
        if error.where.startswith(label):
            raise error.moved(label if where else f"{label}.", where) from None
        raise


def assembled(cls: type[T], values: Mapping[str, Any]) -> T:
    """Return an instance of values that have all been checked; only the validators run.

    What `cls(...)` does besides, checking each value, would take as long again for large files.
    """
    made = object.__new__(cls)
    vars(made).update({name: values[name] for name in cls.__mlpk_checks__})  # type: ignore[attr-defined] # set by make
    attrs.validate(made)  # type: ignore[arg-type] # made by make
    if "__attrs_post_init__" in vars(cls):
        made.__attrs_post_init__()  # type: ignore[attr-defined] # looked up just now
    return made


def evolved(instance: T, **changes: Any) -> T:
    """Return a copy of an instance in which the fields given are others; they are checked."""
    return type(instance)(**{**values(instance), **changes})


def values(instance: object) -> dict[str, Any]:
    """Return the fields of an instance by name, in the order of their definition."""
    fields = attrs.fields(type(instance))  # type: ignore[arg-type] # made by make
    return {field.name: getattr(instance, field.name) for field in fields}


def plain(value: object, other: Callable[[Any], Any] | None = None) -> Any:
    """Return a value as plain data: records as dicts, tuples as lists, the rest as it is.

    `other` turns what is neither (a kind inside a configuration) into plain data.
    """
    if isinstance(value, list | tuple):
        return [plain(item, other) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item, other) for key, item in value.items()}
    if other is not None and attrs.has(type(value)):
        return other(value)
    if attrs.has(type(value)):
        return {name: plain(item) for name, item in values(value).items()}
    return value


class RecordCheck(Check):
    """Another record, or a mapping of its fields."""

    def __init__(self, cls: type) -> None:
        self.cls = cls
        self.wanted = f"a {cls.__name__}"

    def __call__(self, value: object, where: str, *, strict: bool) -> Any:
        if isinstance(value, self.cls):
            return value
        if not isinstance(value, Mapping):
            raise self.refuse(value, where)
        return build(self.cls, value, where, strict=strict)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(attrs.field,))
def record(cls: C) -> C:
    """Define a schema class: beside what every field may be, it may hold bytes, plain data, records."""
    return make(cls, cls.__name__, _record_check, kw_only=True)


def _record_check(annotation: Any) -> Check | None:
    if annotation is bytes:
        return BytesCheck()
    if annotation is Any:
        return AnyPlain()
    if isinstance(annotation, type) and hasattr(annotation, "__mlpk_checks__"):
        return RecordCheck(annotation)
    return None


def _converter(field: attrs.Attribute[Any], check: Check, label: str) -> Any:
    if field.converter is not None:
        raise ConfigError(f"{label}.{field.name}", "a field may have no converter of its own")
    where = f"{label}.{field.name}"
    return lambda value: check(value, where, strict=False)


def _validator(validator: Any, label: str) -> Any:
    if validator is None:
        return None

    def validate(instance: object, field: attrs.Attribute[Any], value: Any) -> None:
        try:
            validator(instance, field, value)
        except ConfigError:
            raise
        except (ValueError, TypeError) as error:
            message = str(error.args[0] if error.args else error).removeprefix(f"'{field.name}' ")
            raise ConfigError(f"{label}.{field.name}", message) from None

    return validate


def _init(cls: Any, label: str) -> Callable[..., None]:
    """Return an `__init__` that names unknown and missing fields before attrs fills them in."""
    fields = attrs.fields(cls)
    positional = [field.name for field in fields if not field.kw_only]
    required = [field.name for field in fields if field.default is attrs.NOTHING]
    known = [field.name for field in fields]

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        if len(args) > len(positional):
            problem = f"takes {len(positional)} fields by position, found {len(args)}"
            raise ConfigError(label, problem)
        _refuse_unknown(kwargs, known, label, cls)
        given = {*positional[: len(args)], *kwargs}
        if len(given) < len(args) + len(kwargs):
            twice = next(name for name in positional[: len(args)] if name in kwargs)
            raise ConfigError(f"{label}.{twice}", "this field is given twice")
        for name in required:
            if name not in given:
                raise ConfigError(f"{label}.{name}", "this field is missing")
        self.__attrs_init__(*args, **kwargs)

    return init


def _signature(cls: Any) -> inspect.Signature:
    """Return the signature that a notebook shows: the fields, without `self`."""
    signature = inspect.signature(cls.__attrs_init__)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def _refuse_missing(cls: type, given: Mapping[str, Any], where: str, *, strict: bool) -> None:
    for field in attrs.fields(cls):
        if field.name not in given and (strict or field.default is attrs.NOTHING):
            place = f"{where}.{field.name}" if where else field.name
            raise ConfigError(place, "this field is missing")


def _refuse_unknown(given: Mapping[Any, object], known: Any, where: str, cls: Any) -> None:
    for name in given:
        if name not in known:
            fields = f"the fields are: {', '.join(known)}" if known else "it takes no fields"
            family, kind = getattr(cls, "family", ""), getattr(cls, "kind", "")
            hint = field_hint(family, kind, str(name), known) or nearest(str(name), known)
            raise ConfigError(
                f"{where}.{name}" if where else str(name),
                f"there is no such field; {fields}.{hint}",
            )
