"""Changes that leave the container sound, or break what its parts say of each other."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from drafts import Draft
from spelling import encode, repeated

NAMES = ["a", "_", "A.b-c", "x" * 40, "0a", "", "a/b", "é", "a b", "a\n", "-a", "input", "dense"]
IDS = ["dense", "relu", "acme:box", "beta:half", "acme:", ":", "conv:x", "Dense", "", "\0"]
VERSIONS = ["1", "2.1", "", "0.3", "ö"]


def note(draft: Draft, random: Random) -> None:
    """Put something of the user's own into `meta`."""
    length = random.choice([0, 1, 31, 32, 255, 256, 4000, 65_533, 65_534, 65_536])
    draft.tree["meta"][random.choice(["k", "kk", "\U0001f600"])] = "m" * length


def note_many(draft: Draft, random: Random) -> None:
    draft.tree["meta"] = {f"{key}": "" for key in range(random.choice([15, 16, 256, 257, 257]))}


def extend(draft: Draft, random: Random) -> None:
    """Put anything plain into `ext`, a part of the header itself above all."""
    path = random.choice([key for key in draft.tree if key not in ("pad", "tensors")])
    draft.tree["ext"][random.choice(["x", "id", "schema"])] = deepcopy(draft.tree[path])


def extend_with_kind(draft: Draft, random: Random) -> None:
    """Put what looks like a kind somewhere inside `ext`, where it means nothing."""
    kind = {"config": random.choice([{}, None]), "id": random.choice([*IDS, 1]), "schema": 1}
    draft.tree["ext"] = random.choice([kind, {"inner": kind}, {"inner": [kind]}])


def deepen(draft: Draft, random: Random) -> None:
    """Nest lists, maps or both to about the depth that is allowed."""
    value: Any = random.choice([[], {}, None, 0])
    for _ in range(random.randint(27, 32)):
        value = [value] if random.random() < 0.5 else {"d": value}
    draft.tree["ext"] = {"deep": value}


def fill(draft: Draft, random: Random) -> None:
    """Put in an array or a text about as long as is allowed, or where its form changes."""
    number = random.choice([15, 16, 31, 32, 255, 256, 65_535, 65_536, 65_537, 65_537])
    draft.tree["ext"] = {"long": random.choice(["t" * number, repeated(None, number)])}


def rename(draft: Draft, random: Random) -> bool:
    """Call a node differently, with all that follows: its arrays, outputs and feeds."""
    nodes = draft.tree["spec"]["nodes"]
    if not nodes:
        return False
    node, name = random.choice(nodes), random.choice(NAMES)
    _replace(draft.tree, node["name"], name)
    for table in (draft.tree["tensors"], draft.tensors):
        moved = {key.replace(f"{node['name']}/", f"{name}/"): each for key, each in table.items()}
        table.clear()
        table.update(moved)
    return True


def rename_alone(draft: Draft, random: Random) -> bool:
    """Call one thing differently and nothing that refers to it."""
    spec = draft.tree["spec"]
    named = [*spec["inputs"], *spec["nodes"]]
    if not named:
        return False
    random.choice(named)["name"] = random.choice(NAMES)
    return True


def identify(draft: Draft, random: Random) -> bool:
    """Make a node's kind another, claimed or not."""
    nodes = draft.tree["spec"]["nodes"]
    if not nodes:
        return False
    node = random.choice(nodes)
    before, node["id"] = node["id"], random.choice(IDS)
    if random.random() < 0.6:
        _claim(draft, before, node["id"])
    return True


def reschema(draft: Draft, random: Random) -> bool:
    nodes = draft.tree["spec"]["nodes"]
    if not nodes:
        return False
    random.choice(nodes)["schema"] = random.choice([2, 3, 2**32, 2**64 - 1, 0, -1, True, 1.0])
    return True


def configure(draft: Draft, random: Random) -> bool:
    """Put a kind into a configuration, sound or not, claimed or not."""
    nodes = draft.tree["spec"]["nodes"]
    if not nodes:
        return False
    schema, identity = random.choice([1, 1, 7, 0, "1"]), random.choice([*IDS, None])
    kind = {"config": random.choice([{}, {"rate": 0.5}, []]), "id": identity, "schema": schema}
    random.choice(nodes)["config"]["init"] = random.choice([kind, [kind], {"deeper": kind}])
    if isinstance(identity, str) and random.random() < 0.7:
        _claim(draft, None, identity)
    return True


def claim(draft: Draft, random: Random) -> None:
    """Change what is claimed: another order, one more, one less, other ids."""
    claims = draft.tree["plugins"]
    ids = random.sample(IDS, random.randint(0, 3))
    claims.append({"dist": random.choice(["acme", "zeta", ""]), "ids": ids, "version": "1"})
    if random.random() < 0.3:
        random.shuffle(claims)
    if random.random() < 0.3:
        claims.pop(random.randrange(len(claims)))


def reclaim(draft: Draft, random: Random) -> bool:
    """Change one claim that is there."""
    claims = draft.tree["plugins"]
    if not claims:
        return False
    each = random.choice(claims)
    change = random.randrange(4)
    if change == 0:
        each["version"] = random.choice(VERSIONS)
    elif change == 1:
        each["dist"] = random.choice(["acme", "beta", "zeta", "", "\uffff", "\U0001f600"])
    elif change == 2:
        each["ids"] = each["ids"] * 2
    else:
        claims.append(deepcopy(each))
    return True


def feed(draft: Draft, random: Random) -> bool:
    """Feed a node from elsewhere, or turn two nodes round."""
    nodes = draft.tree["spec"]["nodes"]
    if not nodes:
        return False
    if len(nodes) > 1 and random.random() < 0.5:
        nodes.reverse()
    else:
        random.choice(nodes)["inputs"].append(random.choice([*NAMES, nodes[-1]["name"]]))
    return True


def share(draft: Draft, random: Random) -> bool:
    """Name an array once more, as a parameter or a buffer."""
    nodes, table = draft.tree["spec"]["nodes"], draft.tree["tensors"]
    if not nodes or not table:
        return False
    role = random.choice(["params", "buffers"])
    random.choice(nodes)[role]["more"] = random.choice([*table, "a/b"])
    return True


def put_out(draft: Draft, random: Random) -> None:
    """Name other outputs."""
    outputs = draft.tree["spec"]["outputs"]
    outputs.append(random.choice([*NAMES, *outputs]))
    if random.random() < 0.3:
        outputs.pop(0)


def reshape_input(draft: Draft, random: Random) -> bool:
    inputs = draft.tree["spec"]["inputs"]
    if not inputs:
        return False
    length = random.choice([None, 1, 2**32, 2**64 - 1, 0, -1, 1.0, True])
    random.choice(inputs)["shape"] = [length] * random.choice([0, 1, 2, 31, 32, 33])
    return True


def go_on(draft: Draft, random: Random) -> bool:
    """Change where a run stands, within what its fields may hold and beyond."""
    state = draft.tree["state"]
    if state is None:
        return False
    fit = state["fit"]
    key = random.choice([*fit, "seed", "slots", "loss"])
    number = random.choice([0, 1, -1, 2**32, 2**63, 2**64 - 1, -(2**63), None, 1.0, False])
    if key == "seed":
        state["seed"] = number
    elif key == "slots":
        state["optimizer"]["slots"] = random.choice([[], ["v", "v"], ["m", "v"], ["é"], ["v", 1]])
    elif key == "loss":
        kinds = list(state["loss"].values())
        state["loss"] = random.choice([{}, {"é": kinds[0] if kinds else {}}, {"config": {}}])
    elif isinstance(fit[key], dict):
        fit[key] = {
            random.choice(["a", "early_stopping", "é/é"]): random.choice([number, [number]])
        }
    else:
        fit[key] = number
    return True


def minor(draft: Draft, random: Random) -> None:
    """Write another version: of the minor number any is read."""
    draft.version[random.choice([1, 1, 1, 0])] = random.choice([0, 1, 2, 255])


def need(draft: Draft, random: Random) -> None:
    draft.tree["critical"] = random.choice([["sparse"], [""], [1], [[]], [None], {}, None])
    if random.random() < 0.3:
        draft.tree["zeros"] = []


def _claim(draft: Draft, before: str | None, identity: str) -> None:
    """Claim an id, and no longer what stood there before if nothing else is called that."""
    claims = draft.tree["plugins"]
    for each in list(claims):
        if before in each["ids"] and encode(draft.tree["spec"]).count(encode(before)) == 0:
            each["ids"].remove(before)
        if not each["ids"]:
            claims.remove(each)
    if ":" in identity and not any(identity in each["ids"] for each in claims):
        claims.append({"dist": "new", "ids": [identity], "version": "1"})
        claims.sort(key=lambda each: (each["dist"], each["version"]))


def _replace(tree: Any, old: str, new: str) -> None:
    """Replace a node's name in texts, wherever it stands for the node."""
    spec = tree["spec"]
    spec["outputs"] = [new if each == old else each for each in spec["outputs"]]
    for node in spec["nodes"]:
        node["inputs"] = [new if each == old else each for each in node["inputs"]]
        node["name"] = new if node["name"] == old else node["name"]
        for arrays in (node["params"], node["buffers"]):
            for key, array in arrays.items():
                arrays[key] = array.replace(f"{old}/", f"{new}/")


ALL: tuple[Callable[[Draft, Random], bool | None], ...] = (
    note, note_many, extend, extend_with_kind, deepen, fill, fill, rename, rename_alone, identify,
    reschema, configure, claim, reclaim, feed, share, put_out, reshape_input, go_on, minor, need,
)  # fmt: skip
