"""The header's fields: sections 3 and 6 of docs/file-format.md, read from that page alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from oracle_msgpack import Refused

Check = Callable[[Any], bool]

NAME = "[A-Za-z_][A-Za-z0-9_.-]*"
KIND = {"config", "id", "schema"}
MOST_NODES = 16_384
MOST_AXES = 32
MOST_META = 256
LARGEST_META = 65_536
NUMBERS = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float32 float64"


def check_header(header: Any) -> None:
    """Refuse what is not a header, its table of tensors left aside."""
    # What comes first here is told first: a newer file is called newer, not damaged.
    if isinstance(header, dict) and isinstance(header.get("critical"), list) and header["critical"]:
        raise Refused("field-critical-unknown")
    check_fields("header", header, HEADER)
    meta = header["meta"]
    size = sum(len(key.encode()) + len(value.encode()) for key, value in meta.items())
    require(len(meta) <= MOST_META and size <= LARGEST_META, "field-meta-too-large")
    check_fields("spec", header["spec"], SPEC)
    for each in header["spec"]["inputs"]:
        check_fields("input", each, INPUT)
    for each in header["spec"]["nodes"]:
        check_fields("node", each, NODE)
    if header["state"] is not None:
        _check_state(header["state"])
    _check_claims(header["plugins"], {each for each in _ids(header) if ":" in each})


def _check_state(state: dict[str, Any]) -> None:
    check_fields("state", state, STATE)
    check_fields("optimizer", state["optimizer"], OPTIMIZER)
    check_fields("fit", state["fit"], FIT)
    for each in state["loss"].values():
        check_fields("loss", each, LOSS)


def _ids(header: dict[str, Any]) -> Iterator[str]:
    state = header["state"]
    named = list(header["spec"]["nodes"])
    if state is not None:
        named += [state["optimizer"], *state["loss"].values()]
        yield from _ids_inside(state["fit"]["options"])
    for each in named:
        yield each["id"]
        yield from _ids_inside(each["config"])


def _ids_inside(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _ids_inside(each)
    if isinstance(value, dict):
        if value.keys() == KIND:
            check_fields("kind", value, LOSS)
            yield value["id"]
        for each in value.values():
            yield from _ids_inside(each)


def _check_claims(claims: list[Any], third_party: set[str]) -> None:
    claimed: list[str] = []
    for each in claims:
        check_fields("claim", each, CLAIM, step="claim")
        require(bool(each["ids"]) and ascends(each["ids"]), "claim-ids")
        claimed += each["ids"]
    require(ascends([(each["dist"], each["version"]) for each in claims]), "claim-order")
    require(len(set(claimed)) == len(claimed), "claim-id-in-two")
    require(set(claimed) == third_party, "claim-exact")


def require(held: bool, rule: str) -> None:
    """Refuse by `rule` unless it is `held`."""
    if not held:
        raise Refused(rule)


def check_fields(what: str, value: Any, fields: dict[str, Check], step: str = "field") -> None:
    """Refuse what is no map of exactly these fields, each of which holds what it checks."""
    require(isinstance(value, dict) and value.keys() == fields.keys(), f"{step}-{what}-keys")
    for key, check in fields.items():
        require(check(value[key]), f"{step}-{what}-{key}")


def ascends(items: list[Any]) -> bool:
    """Whether texts, or tuples of texts, ascend strictly."""
    # Python compares texts by code points, and that is the order of their UTF-8 bytes.
    return all(a < b for a, b in pairwise(items))


def text(value: Any) -> bool:
    return type(value) is str


def boolean(value: Any) -> bool:
    return type(value) is bool


def integer(value: Any) -> bool:
    return type(value) is int


def integer_from(least: int) -> Check:
    return lambda value: integer(value) and value >= least


def number_with_point(value: Any) -> bool:
    return type(value) is float


def nil(value: Any) -> bool:
    return value is None


def either(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


def one_of(texts: str) -> Check:
    return lambda value: text(value) and value in texts.split()


def matches(pattern: str) -> Check:
    return lambda value: text(value) and re.fullmatch(pattern, value) is not None


def array(check: Check, most: int = 65_536) -> Check:
    return lambda value: type(value) is list and len(value) <= most and all(map(check, value))


def mapping(value: Any) -> bool:
    return type(value) is dict


def free(check: Check, key: Check = text) -> Check:
    return lambda value: (
        mapping(value)
        and value.keys() != KIND
        and all(map(key, value))
        and all(map(check, value.values()))
    )


def plain(value: Any) -> bool:
    if type(value) is list:
        return all(map(plain, value))
    if type(value) is dict:
        return all(map(plain, value.values()))
    return type(value) is not bytes


def padding(value: Any) -> bool:
    # H itself is checked before, so that "as many as make H" leaves only: fewer than 64.
    return type(value) is bytes and len(value) < 64 and not any(value)


NAMED_ARRAYS = free(matches(f"{NAME}/{NAME}"), key=matches(NAME))
LOSS = {"config": free(plain), "id": text, "schema": integer_from(1)}
HEADER = {
    "critical": array(text),
    "ext": free(plain),
    "generator": text,
    "meta": free(text),
    "pad": padding,
    "plugins": array(mapping),
    "spec": mapping,
    "state": either(nil, mapping),
    "tensors": mapping,
}
SPEC = {
    "dtype": one_of("float32 float64"),
    "inputs": array(mapping),
    "nodes": array(mapping, most=MOST_NODES),
    "outputs": array(matches(NAME)),
}
INPUT = {
    "dtype": one_of(NUMBERS),
    "name": matches(NAME),
    "shape": array(either(nil, integer_from(1)), most=MOST_AXES),
}
NODE = LOSS | {
    "buffers": NAMED_ARRAYS,
    "inputs": array(text),
    "name": matches(NAME),
    "params": NAMED_ARRAYS,
}
CLAIM = {"dist": text, "ids": array(text), "version": text}
STATE = {
    "fit": mapping,
    "implementation": text,
    "loss": free(mapping),
    "optimizer": mapping,
    "seed": integer,
}
OPTIMIZER = LOSS | {"slots": array(text), "step": integer_from(0)}
FIT = {
    "batch": integer_from(0),
    "batch_size": either(nil, integer),
    "callbacks": free(plain),
    "epoch": integer_from(0),
    "history": array(text),
    "lr_factor": number_with_point,
    "options": free(plain),
    "rows": either(nil, integer),
    "running": free(plain),
    "step": integer_from(0),
    "stopped": boolean,
}
