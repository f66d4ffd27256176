"""The costliest headers of 4 MiB: whoever writes one takes no more than 3 s and 500 MB from a reader.

Each is loaded, or shown by a command, in a process of its own, whose time on the processor and peak of memory are measured.
No other test looks at a clock; the limits are what the format promises.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgpack
import pytest

MOST = 4 * 2**20
SECONDS = 3
MEGABYTES = 500

# Reads a small file first, for all that is imported only then; prints what the other one took.
CHILD = """
import io, json, sys, time
import mlpk
from contextlib import redirect_stdout
from mlpk.cli import main
from pathlib import Path

def peak():
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6

def read(path):
    if not words:
        mlpk.load(path)
        return
    with redirect_stdout(io.StringIO()):
        try:
            main([words[0], *["small.mlpk"] * (words[0] == "diff"), path, *words[1:]])
        except SystemExit as done:
            assert done.code in (0, 1)

path, *words = sys.argv[1:]
mlpk.Model([mlpk.layers.dense(units=1)], input_shape=(1,), seed=0).save("small.mlpk")
read("small.mlpk")
before, started, problem = peak(), time.process_time(), None
try:
    read(path)
except mlpk.MlpkError as error:
    problem = f"{type(error).__name__}: {error}"[:2000]
seconds = time.process_time() - started
print(json.dumps({"seconds": seconds, "megabytes": peak() - before, "problem": problem}))
"""

Make = Callable[[Any], bytes]
CASES: dict[str, tuple[Make, str | None]] = {}


def worst(problem: str | None) -> Callable[[Make], Make]:
    """Take a file among the cases, with the error that it ends in, None if it is loaded."""

    def taken(make: Make) -> Make:
        CASES[make.__name__] = (make, problem)
        return make

    return taken


def packed(tree: Any, marks: dict[str, bytes]) -> bytes:
    """Pack a tree in which some texts stand for bytes of their own."""
    data: bytes = msgpack.packb(tree)
    for mark, raw in marks.items():
        data = data.replace(msgpack.packb(mark), raw)
    return data


def file(handmade: Any, tree: dict[str, Any], body: bytes | None = None, **marks: bytes) -> bytes:
    short = len(packed({**tree, "pad": b""}, marks))
    header = packed({**tree, "pad": bytes((54 - short) % 64)}, marks)
    assert len(header) <= MOST
    sealed: bytes = handmade.seal(header, handmade.body() if body is None else body)
    return sealed


def header(nodes: list[dict[str, Any]], output: str = "x0", **fields: Any) -> dict[str, Any]:
    inputs = fields.pop("inputs", [{"dtype": "float32", "name": "x", "shape": [1]}])
    spec = {"dtype": "float32", "inputs": inputs, "nodes": nodes, "outputs": [output]}
    empty = {"critical": [], "ext": {}, "generator": "", "meta": {}, "pad": b"", "plugins": []}
    return {**empty, "spec": spec, "state": None, "tensors": {}, **fields}


def node(name: str, inputs: list[str], kind: str = "relu", config: Any = None) -> dict[str, Any]:
    rest = {"inputs": inputs, "name": name, "params": {}, "schema": 1}
    return {"buffers": {}, "config": {} if config is None else config, "id": kind, **rest}


def filled(unit: bytes, last: bytes = b"\xc0") -> bytes:
    """Return a map of lists that hold a value over and over, almost as much as fits."""
    array = msgpack.Packer().pack_array_header
    count = (MOST - 2000) // len(unit)
    lists = [min(65_535, count - start) for start in range(0, count, 65_535)]
    return (
        b"\x82\xa1a"
        + array(len(lists))
        + b"".join(array(n) + unit * n for n in lists)
        + b"\xa1b"
        + last
    )


@worst("the output 'x0' is not a node")
def maps_within_maps(handmade: Any) -> bytes:
    return file(handmade, header([], ext="mark"), mark=filled(b"\x81\xa0" * 27 + b"\xc0"))


@worst("the output 'x0' is not a node")
def lists_within_lists(handmade: Any) -> bytes:
    return file(handmade, header([], ext="mark"), mark=filled(b"\x91" * 27 + b"\xc0"))


@worst("there is no such field")
def a_configuration_of_maps(handmade: Any) -> bytes:
    tree = header([node("x0", ["x"], config="mark")])
    return file(handmade, tree, mark=filled(b"\x81\xa0" * 24 + b"\xc0"))


@worst("wanted plain data")
def bytes_behind_maps(handmade: Any) -> bytes:
    mark = filled(b"\x81\xa0" * 27 + b"\xc0", last=b"\xc4\x00")
    return file(handmade, header([], ext="mark"), mark=mark)


@worst("wanted at most 32 levels")
def one_level_too_many(handmade: Any) -> bytes:
    mark = filled(b"\x81\xa0" * 27 + b"\xc0", last=b"\x91" * 40 + b"\xc0")
    return file(handmade, header([], ext="mark"), mark=mark)


@worst("wanted at most 32 axes, found 65000")
def millions_of_integers(handmade: Any) -> bytes:
    nodes = [node(f"x{i}", ["x"], "reshape", {"shape": [1] * 65_000}) for i in range(64)]
    return file(handmade, header(nodes))


@worst("wanted at most 32 dimensions, found 65536")
def an_input_of_many_axes(handmade: Any) -> bytes:
    nodes = [node(f"x{i}", ["x"]) for i in range(16_384)]
    return file(
        handmade, header(nodes, inputs=[{"dtype": "float32", "name": "x", "shape": [1] * 65_536}])
    )


@worst(None)
def a_million_edges(handmade: Any) -> bytes:
    def feeds(i: int) -> list[str]:
        return [f"x{i - 1}" if i else "x", *["x"] * 80]

    nodes = [node(f"x{i}", feeds(i), "concatenate", {"axis": -1}) for i in range(16_384)]
    return file(handmade, header(nodes))


@worst("the output 'a+b0' is not a node")
def names_alike(handmade: Any) -> bytes:
    nodes = [node(f"{'a' * 130}{i:05}", ["x"]) for i in range(16_384)]
    return file(handmade, header(nodes, output="a" * 130 + "b0"))


@worst("the nodes make a cycle")
def one_long_cycle(handmade: Any) -> bytes:
    name = [f"{'x' * 60}{i}" for i in range(16_384)]
    return file(handmade, header([node(name[i], [name[i - 1]]) for i in range(16_384)]))


@worst("16384 kinds of this file are not active here")
def as_many_kinds_as_nodes(handmade: Any) -> bytes:
    kinds = [f"other:{i:05}" for i in range(16_384)]
    claim = {"dist": "other", "ids": kinds, "version": "1"}
    nodes = [node(f"x{i}", ["x"], kind) for i, kind in enumerate(kinds)]
    return file(handmade, header(nodes, plugins=[claim]))


@worst("'yyyy")
def one_cell_wider_than_all_others(handmade: Any) -> bytes:
    nodes = [node("x0", ["y" * 60_000] * 20)]
    return file(handmade, header(nodes + [node(f"n{i}", ["x"]) for i in range(16_000)]))


@worst("16001 kinds of this file are not active here")
def one_kind_longer_than_all_others(handmade: Any) -> bytes:
    nodes = [node("x0", ["x"], "k" * 60_000)]
    return file(handmade, header(nodes + [node(f"n{i}", ["x"], f"q{i}") for i in range(16_000)]))


def tensors(names: Iterator[tuple[str, list[int]]]) -> dict[str, Any]:
    """Return a table of tensors of one zero each."""
    digest = sha256(bytes(4)).digest()
    fields = {"dtype": "f32", "nbytes": 4, "sha256": digest}
    return {
        name: {"at": 10 + 64 * i, **fields, "shape": shape} for i, (name, shape) in enumerate(names)
    }


@worst("unknown are: n/a00000")
def as_many_tensors_as_may_be(handmade: Any) -> bytes:
    table = tensors((f"n/a{i:05}", [1]) for i in range(32_768))
    body = handmade.body(*[bytes(59)] * len(table))
    return file(handmade, header([node("x0", ["x"])], tensors=table), body)


@worst(None)
def thousands_of_layers(handmade: Any) -> bytes:
    init = {"config": {}, "id": "glorot_uniform", "schema": 1}
    config = {"bias": True, "init": init, "units": 1}
    nodes = []
    for i in range(9_600):
        made = node(f"x{i}", [f"x{i - 1}" if i else "x"], "dense", config)
        params = {"bias": f"x{i}/bias", "weight": f"x{i}/weight"}
        nodes.append({**made, "params": params})
    arrays = sorted(
        (name, [1] * (1 + (local == "weight")))
        for made in nodes
        for local, name in made["params"].items()
    )
    table = tensors(iter(arrays))
    body = handmade.body(*[bytes(59)] * len(table))
    return file(handmade, header(nodes, tensors=table), body)


def taken(handmade: Any, folder: Path, case: str, *words: str) -> str | None:
    """Return the error that a case ends in, loaded or shown by a command, if it cost little."""
    path = folder / "worst.mlpk"
    path.write_bytes(CASES[case][0](handmade))
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), *words],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    found = json.loads(done.stdout)
    assert found["seconds"] <= SECONDS
    assert found["megabytes"] <= MEGABYTES
    problem: str | None = found["problem"]
    return problem


@pytest.mark.parametrize("case", CASES)
def test_it_costs_little(case: str, handmade: Any, tmp_path: Path) -> None:
    found, problem = taken(handmade, tmp_path, case), CASES[case][1]
    if problem is None:
        assert found is None
    else:
        assert problem in (found or "").replace("a" * 130, "a+")


@pytest.mark.parametrize("words", ["inspect", "doctor", "diff", "inspect --json", "diff --json"])
@pytest.mark.parametrize(
    "case",
    ["one_cell_wider_than_all_others", "one_kind_longer_than_all_others", "maps_within_maps"],
)
def test_a_command_shows_it_at_little_cost(
    case: str, words: str, handmade: Any, tmp_path: Path
) -> None:
    assert taken(handmade, tmp_path, case, *words.split()) is None
