"""A kind: a class with a registered name, whose fields are its whole configuration."""

from __future__ import annotations

import re
from abc import ABC
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

import attrs

from mlpk import catalog
from mlpk.errors import ConfigError, UnknownKindError, shown
from mlpk.example import Example
from mlpk.migration import Form, Migration, check_migrations, newest
from mlpk_schemas import records
from mlpk_schemas.checks import LiteralCheck
from mlpk_schemas.errors import quoted
from mlpk_schemas.fields import KIND_KEYS, Check

__all__ = ["Kind", "KindCheck", "define", "inner", "lacking", "written"]

C = TypeVar("C", bound=type)
# What a mapping says beside the fields of a kind.
RESERVED = {"kind", "schema", "name"}
# What the default of a field may be of; anything else on a class is meant for its methods.
PLAIN = (type(None), bool, int, float, str, tuple)


class Kind(ABC):
    """Base of everything that has a registered name.

    `kind` is the name, snake_case; `schema` is raised when the meaning of a field or an array
    changes, and `migrations[k]` then makes of the form of schema k that of the next; `family` is
    set by the interface ("layers", "optimizers", ...).
    """

    kind: ClassVar[str]
    schema: ClassVar[int] = 1
    migrations: ClassVar[Mapping[int, Migration]] = {}
    family: ClassVar[str]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        """Yield small instances for the kit, the docs and the benchmarks; the default one here."""
        yield Example(cls())

    @classmethod
    def of(cls, value: object, where: str = "") -> Self:
        """Return an instance from an instance, a registered name, or a mapping with "kind".

        Raises `ConfigError` for anything else and for wrong fields, `UnknownKindError` for a name
        that no active plugin offers.
        """
        where = where or cls.family
        if isinstance(value, cls):
            return value
        fields: Mapping[str, object] = {}
        if isinstance(value, Mapping):
            fields = {key: item for key, item in value.items() if key != "kind"}
            value = value.get("kind", value)
        if isinstance(value, type) and issubclass(value, cls):
            problem = (
                f"found the class {value.__name__}; call it to make an instance: {value.kind}(...)"
            )
            raise ConfigError(where, problem)
        if not isinstance(value, str):
            example = next(iter(catalog.current().names(cls.family)), "name")
            raise ConfigError(
                where,
                f'wanted one of the {cls.family}: an instance, a name or {{"kind": "{example}", '
                f"...}}; found {shown(value)}",
            )
        found = cls._suiting(catalog.current().find(cls.family, value), where)
        if not fields:
            _refuse_bare(found, value, where)
        return records.build(found, fields, where, strict=False)

    @classmethod
    def read(cls, value: Mapping[str, Any], where: str) -> Self:
        """Return an instance from {"id", "schema", "config"} as a file holds it.

        Nothing is converted; the configuration of an earlier schema goes through its migrations.
        """
        identity, schema = value["id"], value["schema"]
        found = cls._suiting(catalog.current().by_id(cls.family, identity, schema), where)
        form = newest(found, identity, schema, Form(value["config"]))
        return records.build(found, form.config, f"{where}.config", strict=True)

    @classmethod
    def _suiting(cls, found: Any, where: str) -> type[Self]:
        """Return a class of the catalog, which a field may want to be a certain one of its family."""
        if not issubclass(found, cls):
            raise ConfigError(where, f"wanted a {cls.__name__}, found a {found.__name__}")
        return found  # type: ignore[no-any-return] # a subclass, as was just seen


def _refuse_bare(found: type[Kind], name: str, where: str) -> None:
    """Refuse a name alone where a field has no default, and say what to write."""
    wanted = [field.name for field in attrs.fields(found) if field.default is attrs.NOTHING]  # type: ignore[arg-type] # made by define
    if wanted:
        call = ", ".join(f"{field}=..." for field in wanted)
        table = ", ".join([f'"kind": "{name}"', *(f'"{field}": ...' for field in wanted)])
        problem = f"'{name}' wants {' and '.join(wanted)}: write mlpk.{found.family}.{found.kind}"
        raise ConfigError(where, f"{problem}({call}) or {{{table}}}")


def written(instance: Kind) -> dict[str, Any]:
    """Return {"id", "schema", "config"}: the instance as a file holds it, with all of its fields."""
    config = {
        name: records.plain(value, written) for name, value in records.values(instance).items()
    }
    identity = catalog.current().id_of(type(instance))
    return {"id": identity, "schema": type(instance).schema, "config": config}


def inner(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Yield {"id", "schema", "config"} of each kind that stands in a tree of plain data."""
    left = [tree]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if value.keys() == KIND_KEYS:
                yield value
            left.extend(reversed(value.values()))
        elif isinstance(value, list):
            left.extend(reversed(value))


def lacking(family: str, value: Mapping[str, Any]) -> bool:
    """Tell whether a kind of a file, or one inside of it, is missing here or newer than here."""
    active = catalog.current()
    return (active.schema_of(family, value["id"]) or 0) < value["schema"] or any(
        (active.schema_of(None, kind["id"]) or 0) < kind["schema"]
        for kind in inner(value["config"])
    )


class KindCheck(Check):
    """A field that holds another kind: an instance, its name, or a mapping."""

    named = True

    def __init__(self, family: type[Kind]) -> None:
        self.family = family
        self.wanted = f"one of the {family.family} (a name, a mapping or an instance)"

    def __call__(self, value: object, where: str, *, strict: bool) -> Kind:
        if isinstance(value, self.family):
            return value
        if strict:
            if not isinstance(value, Mapping) or value.keys() != KIND_KEYS:
                raise self.refuse(value, where)
            if not isinstance(value["id"], str) or type(value["schema"]) is not int:
                raise self.refuse(value, where)
            return self.family.read(value, where)
        if not isinstance(value, str | Mapping):
            raise self.refuse(value, where)
        try:
            return self.family.of(value, where)
        except UnknownKindError as error:
            raise ConfigError(where, str(error)) from error


def _kind_check(annotation: Any) -> Check | None:
    if isinstance(annotation, type) and issubclass(annotation, Kind) and annotation is not Kind:
        return KindCheck(annotation)
    return None


@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def define(cls: C) -> C:
    """Make a kind of an annotated class: frozen, complete, checked field by field.

    Refused here, with `ConfigError`: a class that is no kind, that misses its name, one of its
    methods or a migration, a field that cannot be written down (a callable, a path, bytes) or whose
    default does not fit, and a plain value without an annotation, which would be no field.
    """
    name = cls.__name__
    if not issubclass(cls, Kind):
        raise ConfigError(name, "define makes kinds: derive from Layer, Optimizer, Loss, ...")
    kind = cls.__dict__.get("kind")
    if not isinstance(kind, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", kind):
        raise ConfigError(f"{name}.kind", f"wanted a name in snake_case, found {shown(kind)}")
    schema = cls.schema
    if type(schema) is not int or schema < 1:
        raise ConfigError(f"{name}.schema", f"wanted an integer from 1, found {shown(schema)}")
    missing = sorted(getattr(cls, "__abstractmethods__", ()))
    if missing:
        raise ConfigError(name, f"these methods are missing: {', '.join(missing)}")
    made = records.make(cls, kind, _kind_check)
    for word in RESERVED & attrs.fields_dict(made).keys():  # type: ignore[arg-type] # made by make
        problem = "is no field: annotate 'kind' and 'schema' as ClassVar; a name is the node's"
        raise ConfigError(f"{name}.{word}", problem)
    _check_defaults(made)
    _refuse_lost(made)
    check_migrations(made)
    return made


def _check_defaults(made: type[Kind]) -> None:
    """Refuse a default that its field would refuse, but for names, which others may bring later."""
    checks: Mapping[str, Check] = made.__mlpk_checks__  # type: ignore[attr-defined] # set by make
    for each in attrs.fields(made):  # type: ignore[arg-type] # made by make
        default, check = each.default, checks[each.name]
        plain = isinstance(check, LiteralCheck) or bool(check.exact)
        if default is attrs.NOTHING or isinstance(default, attrs.Factory):  # type: ignore[arg-type] # a class
            continue
        if plain or not _may_name(default):
            where = f"{made.__name__}.{each.name}"
            try:
                check(default, where, strict=False)
            except ConfigError as error:
                problem = f"this default does not fit: {error.problem}"
                raise ConfigError(error.where, problem) from None


def _may_name(value: object) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_may_name, value))
    return isinstance(value, str | Mapping)


def _refuse_lost(made: type[Kind]) -> None:
    """Refuse what looks like a field and is none, since it has no annotation."""
    said = vars(made).get("__annotations__", {})
    bases = [vars(base) for base in made.__mro__[1:]]
    known = {name for base in bases for name in (*base, *base.get("__annotations__", ()))}
    known -= attrs.fields_dict(made).keys()  # type: ignore[arg-type] # made by make
    for name, value in vars(made).items():
        if name.startswith("_") or name.isupper() or type(value) not in PLAIN:
            continue
        if name not in said and name not in known:
            raise ConfigError(
                f"{made.__name__}.{name}",
                f"it is no field, since it has no annotation: write '{name}: "
                f"{type(value).__name__} = {quoted(value)}', or annotate it as ClassVar if all "
                "instances share it",
            )
