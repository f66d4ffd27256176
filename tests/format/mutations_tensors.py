"""Changes of tensors: what they hold, and what the table says of them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from drafts import Draft
from handmade import SIZES

NUMBERS = [0, 1, 5, 10, 63, 64, 74, 2**31, 2**32 - 1, 2**32, 2**40, 2**48, 2**63, 2**64 - 1, -1]
LENGTHS = [0, 1, 2, 3, 2**16, 2**31, 2**32, 2**39, 2**40 - 1, 2**40, 2**63, 2**64 - 1]
DTYPES = [*SIZES, "<f4", ">f4", "=f8", "f4", "float32", "F32", "bfloat16", "f8", "O", "V4", "U", ""]
TENSORS = [
    "a/b", "a/b.c-d", "_/_", "slot:a/b/c", "state:a/b", "state:history/loss.0", "A" * 127 + "/b",
    "a" * 127 + "/" + "b" * 127, "a" * 127 + "/" + "b" * 128, "a", "a/b/c", "/a", "a/", "slot:a/b",
    "state:a/b/c", "slot:a/b/c/d", "a/é", "a/b\n", "0/b", "other:a/b", "a//b",
]  # fmt: skip


def resize(draft: Draft, random: Random) -> bool:
    """Give a tensor another length, its bytes and the table with it."""
    name = _one(draft, random)
    if name is None:
        return False
    dtype, _, content = draft.tensors[name]
    item, count = draft.size(name), random.choice([0, 1, 2, 3, 59, 64, 100])
    more = (content + b"\1" * (item * count))[: item * count]
    draft.tensors[name] = (dtype, random.choice([[count], [1, count], [count, 1, 1]]), more)
    draft.lay()
    return True


def retype(draft: Draft, random: Random) -> bool:
    """Give a tensor another dtype, its bytes taken for numbers of that."""
    name = _one(draft, random)
    if name is None:
        return False
    dtype = random.choice(list(SIZES))
    content = draft.tensors[name][2]
    count = len(content) // SIZES[dtype]
    draft.tensors[name] = (dtype, [count], content[: count * SIZES[dtype]])
    draft.lay()
    return True


def refill(draft: Draft, random: Random) -> bool:
    """Change a tensor's bytes, its digest with them; where they are bools, that may be wrong."""
    name = _one(draft, random)
    if name is None or not draft.tensors[name][2]:
        return False
    dtype, shape, content = draft.tensors[name]
    filled = bytearray(content)
    filled[random.randrange(len(filled))] = random.choice([0, 1, 2, 0x7F, 0x80, 0xFF])
    draft.tensors[name] = (dtype, shape, bytes(filled))
    draft.lay()
    return True


def add(draft: Draft, random: Random) -> None:
    """Put one more tensor into the file."""
    dtype, count = random.choice(list(SIZES)), random.choice([0, 1, 3])
    name = random.choice(TENSORS)
    draft.tensors[name] = (dtype, [count], bytes(SIZES[dtype] * count))
    draft.lay()


def remove(draft: Draft, random: Random) -> bool:
    name = _one(draft, random)
    if name is None:
        return False
    del draft.tensors[name]
    draft.lay()
    return True


def call(draft: Draft, random: Random) -> bool:
    """Call a tensor differently."""
    name = _one(draft, random)
    if name is None:
        return False
    draft.tensors[random.choice(TENSORS)] = draft.tensors.pop(name)
    draft.lay()
    return True


def empty(draft: Draft, random: Random) -> None:
    """Put in a tensor without items whose other lengths are huge."""
    dtype = random.choice(list(SIZES))
    most = 2**24 // SIZES[dtype]
    lengths = random.choice([
        [2**24, random.choice([most - 1, most, most + 1])],
        [random.choice([2**40 - 1, 2**40])],
        [1] * random.choice([30, 31, 32]),
        random.choices(LENGTHS, k=random.choice([1, 2, 3])),
    ])  # fmt: skip
    lengths.insert(random.randint(0, len(lengths)), 0)
    draft.tensors["a/empty"] = (dtype, lengths, b"")
    draft.lay()


def overflow(draft: Draft, random: Random) -> bool:
    """Claim a shape whose size, in 32 or 64 bits, is that of the real one."""
    entry = _entry(draft, random)
    if entry is None:
        return False
    entry["shape"] = random.choice(
        [
            [2**32, 2**32],
            [2**39, 2**25],
            [2**31, 2],
            [2**30, 4],
            [2**63, 2],
            [2**32 + 2],
            [3, 2**39],
        ]
    ) + random.choice([[], entry["shape"]])
    if random.random() < 0.5:
        entry["nbytes"] = random.choice([0, 2**32, 2**48, 2**64 - 4, entry["nbytes"]])
    return True


def claim_huge(draft: Draft, random: Random) -> bool:
    """Claim a large tensor that is not there, with digests enough for it or not."""
    entry = _entry(draft, random)
    if entry is None:
        return False
    nbytes = random.choice([2**24, 2**30, 2**32, 2**36, 2**40])
    entry |= {"dtype": "u8", "nbytes": nbytes, "shape": [nbytes]}
    if nbytes <= 2**36:
        entry["sha256"] = bytes(32 * (nbytes // 2**24))
    return True


def reshape(draft: Draft, random: Random) -> bool:
    """Say another shape, of as many items or not, and nothing else."""
    entry = _entry(draft, random)
    if entry is None:
        return False
    shape = entry["shape"]
    entry["shape"] = random.choice([
        shape[::-1], [*shape, 1], [1] * random.choice([30, 31, 32, 33]) + shape, shape[1:],
        [-min(each, 2**63) for each in shape], [*shape, 0], [random.choice(LENGTHS)],
    ])  # fmt: skip
    return True


def say(draft: Draft, random: Random) -> bool:
    """Say something else of a tensor."""
    entry = _entry(draft, random)
    if entry is None:
        return False
    what = random.choice(["at", "nbytes", "dtype", "at"])
    if what == "dtype":
        entry["dtype"] = random.choice(DTYPES)
    else:
        near = min(entry[what], 2**63) + random.choice([-64, -1, 1, 5, 64, 128])
        entry[what] = random.choice([near, random.choice(NUMBERS), float(entry[what])])
    return True


def overlap(draft: Draft, random: Random) -> bool:
    """Let one tensor begin where another does."""
    table = list(draft.tree["tensors"].values())
    if len(table) < 2:
        return False
    one, other = random.sample(table, 2)
    one["at"] = other["at"]
    return True


def digest(draft: Draft, random: Random) -> bool:
    """Swap digests, or change one."""
    entries = draft.tree["tensors"].values()
    table = [entry for entry in entries if isinstance(entry["sha256"], bytes)]
    if not table:
        return False
    one, other = random.choice(table), random.choice(table)
    change = random.randrange(5)
    if change == 0:
        one["sha256"], other["sha256"] = other["sha256"], one["sha256"]
    elif change == 1:
        one["sha256"] = one["sha256"][:-1]
    elif change == 2:
        one["sha256"] += bytes(32)
    elif change == 3:
        one["sha256"] = one["sha256"].hex()
    else:
        one["sha256"] = bytes(len(one["sha256"]))
    return True


def swap(draft: Draft, random: Random) -> bool:
    """Exchange the entries of two tensors."""
    table = draft.tree["tensors"]
    if len(table) < 2:
        return False
    one, other = random.sample(list(table), 2)
    table[one], table[other] = table[other], table[one]
    return True


def _one(draft: Draft, random: Random) -> str | None:
    return random.choice(list(draft.tensors)) if draft.tensors else None


def _entry(draft: Draft, random: Random) -> dict[str, Any] | None:
    """Return what the table says of one tensor."""
    table: dict[str, dict[str, Any]] = draft.tree["tensors"]
    return random.choice(list(table.values())) if table else None


CONSISTENT: tuple[Callable[[Draft, Random], bool | None], ...] = (
    resize, retype, refill, add, remove, call, empty,
)  # fmt: skip
TABLE: tuple[Callable[[Draft, Random], bool | None], ...] = (
    overflow, claim_huge, reshape, say, overlap, digest, swap,
)  # fmt: skip
