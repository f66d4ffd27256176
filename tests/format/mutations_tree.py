"""Changes anywhere in the header's tree that know nothing of what stands there, and its spelling."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from drafts import Draft, Place, places
from spelling import Pairs, Raw, encode, longer

KIND = {"config": {}, "id": "zeros", "schema": 1}
VALUES: list[Any] = [
    None, False, True, 0, 1, -1, 2**31, 2**32, 2**53 + 1, 2**63, 2**64 - 1, -(2**63), 0.0, -0.0,
    1.0, 1e300, "", "a", "a:b", "node/array", "\0", "é", "\U0010ffff", b"", b"\0", b"\xff" * 32, [],
    [None], [[]], {}, {"a": 1}, KIND, {"float": "nan"},
]  # fmt: skip
SPELLINGS = [
    b"\xcb\x7f\xf8\0\0\0\0\0\0", b"\xcb\x7f\xf0\0\0\0\0\0\0", b"\xcb\xff\xf0\0\0\0\0\0\0",
    b"\xca\x3f\x80\0\0", b"\xc1", b"\xc7\x01\x05x", b"\xd4\x01x", b"\xd6\xff\0\0\0\0",
    b"\xa1\xff", b"\xa2\xc0\x80", b"\xa3\xed\xa0\x80", b"\xa4\xf4\x90\x80\x80", b"\xa6\xed\xa0\xbd\xed\xb8\x80",
    b"\xdb\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
    b"\xda\x10\0", b"\x91", b"\x81\xa1k", b"", b"\xc0\xc0",
]  # fmt: skip
KEYS = ["", "a", "id", "config", "schema", "at", "critical", "zzz", "\uffff", "\U0001f600"]


def replace(draft: Draft, random: Random) -> None:
    """Put another value in the place of one."""
    holder, key = _place(draft, random)
    holder[key] = deepcopy(random.choice(VALUES))


def convert(draft: Draft, random: Random) -> None:
    """Put a value of another type that means about the same in the place of one."""
    holder, key = _place(draft, random)
    value = holder[key]
    if type(value) is bool:
        holder[key] = int(value)
    elif type(value) is int:
        holder[key] = random.choice([float(value), str(value), value == 1])
    elif type(value) is float:
        holder[key] = int(value) if math.isfinite(value) and abs(value) < 2**63 else None
    elif type(value) is str:
        holder[key] = random.choice([value.encode(), list(value)])
    elif type(value) is bytes:
        holder[key] = value.hex()
    elif type(value) is list:
        holder[key] = {str(place): each for place, each in enumerate(value)}
    elif type(value) is dict:
        holder[key] = random.choice([list(value), None if not value else list(value.values())])
    else:
        holder[key] = random.choice([[], {}, False, ""])


def drop(draft: Draft, random: Random) -> None:
    """Take a value away, with its key."""
    holder, key = _place(draft, random)
    del holder[key]


def add(draft: Draft, random: Random) -> None:
    """Add a value to an array or a map."""
    holder, key = _place(draft, random)
    value = deepcopy(random.choice([holder[key], *random.choices(VALUES, k=3)]))
    if isinstance(holder, dict):
        holder[random.choice([*KEYS, f"{key}x"])] = value
    else:
        holder.insert(key, value)


def exchange(draft: Draft, random: Random) -> bool:
    """Exchange two values, or turn an array round."""
    holder, key = _place(draft, random)
    if len(holder) < 2:
        return False
    if isinstance(holder, list):
        holder.reverse()
    else:
        other = random.choice([each for each in holder if each != key])
        holder[key], holder[other] = holder[other], holder[key]
    return True


def transplant(draft: Draft, random: Random) -> bool:
    """Copy a value to a place where something else stood."""
    holder, key = _place(draft, random)
    source, other = _place(draft, random)
    value = deepcopy(source[other])
    if encode(value) == encode(holder[key]) or len(encode(value)) > 2**15:
        return False
    holder[key] = value
    return True


def misorder(draft: Draft, random: Random) -> bool:
    """Write a map with its keys in another order, one of them twice, or one that is no text."""
    found = _map(draft, random)
    if found is None:
        return False
    holder, key = found
    items = sorted(holder[key].items())
    place, change = random.randrange(len(items)), random.randrange(3)
    if change == 0:
        items.append(items.pop(place))
    elif change == 1:
        items.insert(place, items[place])
    else:
        items[place] = (random.choice([0, None, b"k", [], 1.0]), items[place][1])
    holder[key] = Pairs(items)
    return True


def lengthen(draft: Draft, random: Random) -> bool:
    """Write a number, a length or a float in a form that is not the first that fits."""
    holder, key = _place(draft, random)
    form = longer(holder[key], random)
    if form is None:
        return False
    holder[key] = form
    return True


def lengthen_key(draft: Draft, random: Random) -> bool:
    found = _map(draft, random)
    if found is None:
        return False
    holder, key = found
    chosen = random.choice(list(holder[key]))
    form = longer(chosen, random)
    items = sorted(holder[key].items())
    holder[key] = Pairs([(form if name == chosen else name, each) for name, each in items])
    return True


def misspell(draft: Draft, random: Random) -> None:
    """Write what no header may hold."""
    holder, key = _place(draft, random)
    holder[key] = Raw(random.choice(SPELLINGS))


def _place(draft: Draft, random: Random) -> Place:
    """Return a place, any part of the header as likely as the next, however much it holds."""
    top = random.choice(list(draft.tree) or [""])
    inside = list(places(draft.tree.get(top)))
    if not inside or random.random() < 0.15:
        return draft.tree, top
    return random.choice(inside)


def _map(draft: Draft, random: Random) -> Place | None:
    """Return the place of a map with keys."""
    maps = [
        (holder, key)
        for holder, key in places(draft.tree)
        if isinstance(holder[key], dict) and holder[key]
    ]
    return random.choice(maps) if maps else None


VALUE_CHANGES: tuple[Callable[[Draft, Random], bool | None], ...] = (
    replace, convert, drop, add, exchange, transplant,
)  # fmt: skip
SPELLING_CHANGES: tuple[Callable[[Draft, Random], bool | None], ...] = (
    misspell, lengthen, lengthen_key, misorder,
)  # fmt: skip
