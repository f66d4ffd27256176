"""Writes the valid files under golden/: python tests/format/golden.py [FOLDER].

Their bytes are fixed for ever. A new file may join them; one that stands is never changed.
"""

from __future__ import annotations

import struct
import sys
from math import pi
from pathlib import Path
from typing import Any

from handmade import (
    SIZES,
    contents,
    file,
    floats,
    given,
    header,
    in_order,
    kind,
    node,
    padded,
    sealed,
    spec,
    written,
)

ARRAYS = ("weight", "bias")


def dense(units: int, *, bias: bool = True) -> dict[str, Any]:
    return kind("dense", bias=bias, init=kind("glorot_uniform"), units=units)


def box(dtype: str, *shape: int, **more: Any) -> dict[str, Any]:
    """Return a layer of the third party acme, which remembers one array."""
    return kind("acme:box", dtype=dtype, shape=list(shape), **{"init": None, **more})


def claim(dist: str, version: str, *ids: str) -> dict[str, Any]:
    return {"dist": dist, "ids": list(ids), "version": version}


def chain(first: dict[str, Any], *layers: tuple[str, dict[str, Any], Any, Any]) -> dict[str, Any]:
    """Return a network whose layers feed each other: (name, layer, params, buffers)."""
    names = [first["name"], *(name for name, *_ in layers)]
    nodes = [
        node(name, layer, [before], params, buffers)
        for before, (name, layer, params, buffers) in zip(names, layers, strict=False)
    ]
    return spec([first], nodes, names[-1:])


def boxes(dtypes: dict[str, tuple[str, list[int], bytes]]) -> bytes:
    """Return a file of one box an array, each called by its key."""
    short = {"c128": "complex128", "c64": "complex64", "bool": "bool"}
    numbers = {"u": "uint", "i": "int", "f": "float"}
    layers = [
        (
            name,
            box(short.get(dtype) or numbers[dtype[0]] + dtype[1:], *shape),
            (),
            ("held",),
        )
        for name, (dtype, shape, _) in dtypes.items()
    ]
    return file(
        chain(given("input", 1), *layers),
        {f"{name}/held": tensor for name, tensor in dtypes.items()},
        plugins=[claim("acme", "2.1", "acme:box")],
    )


PLAIN = chain(given("input", 3), ("dense", dense(2), ARRAYS, ()))
TENSORS = {
    "dense/bias": ("f32", [2], floats(0.5, -0.5)),
    "dense/weight": ("f32", [3, 2], floats(1, 2, 3, 4, 5, 6)),
}
# The least, the largest and another value of each dtype, or what stands for them.
VALUES = {
    "bool": struct.pack("<3?", 0, 1, 1),
    "u8": struct.pack("<3B", 0, 255, 7),
    "u16": struct.pack("<3H", 0, 2**16 - 1, 258),
    "u32": struct.pack("<3I", 0, 2**32 - 1, 2**24 + 1),
    "u64": struct.pack("<3Q", 0, 2**64 - 1, 2**53 + 1),
    "i8": struct.pack("<3b", -(2**7), 2**7 - 1, -1),
    "i16": struct.pack("<3h", -(2**15), 2**15 - 1, -2),
    "i32": struct.pack("<3i", -(2**31), 2**31 - 1, -3),
    "i64": struct.pack("<3q", -(2**63), 2**63 - 1, -4),
    "f16": struct.pack("<3e", float("-inf"), 65504, -0.0),
    "f32": struct.pack("<2fI", float("-inf"), 0.1, 0x7FC00001),
    "f64": struct.pack("<2dQ", float("-inf"), pi, 0x7FF8000000000001),
    "c64": struct.pack("<6f", 1, -2, float("inf"), 0, -0.0, 0.5),
    "c128": struct.pack("<6d", 1, -2, float("inf"), 0, -0.0, pi),
}
TIED = spec(
    [given("input", 2)],
    [
        node("first", dense(2), ["input"], ARRAYS),
        node("again", dense(2), ["first"], {"bias": "first/bias", "weight": "first/weight"}),
    ],
    ["again"],
)
TWO_INPUTS = spec(
    [given("left", 2), given("right", 2)],
    [
        node("joined", kind("concatenate", axis=-1), ["left", "right"]),
        node("sum", dense(1, bias=False), ["joined"], ("weight",)),
        node("kept", kind("relu"), ["right"]),
    ],
    ["sum", "kept"],
)
THIRD_PARTY = chain(
    given("input", 3),
    ("relu", kind("relu"), (), ()),
    ("box", box("int64", init=kind("beta:half")), (), ("held",)),
)
# Integers and lengths where msgpack's forms meet, floats that tell whether all 64 bits are kept.
NUMBERS = {
    "arrays": [[0] * length for length in (0, 15, 16)],
    "depth": None,
    "false": False,
    "floats": [0.0, -0.0, 0.1, 1.0, -1.5e300, 5e-324, float(2**53)],
    "integers": [
        0, 127, 128, 2**8 - 1, 2**8, 2**16 - 1, 2**16, 2**32 - 1, 2**32, 2**63, 2**64 - 1,
        -1, -32, -33, -(2**7), -(2**7) - 1, -(2**15), -(2**15) - 1, -(2**31), -(2**31) - 1,
        -(2**63),
    ],
    "maps": [{f"{key:02}": 0 for key in range(length)} for length in (0, 15, 16)],
    "text": ["t" * length for length in (0, 31, 32, 255, 256)],
    "true": True,
}  # fmt: skip
UNICODE = {
    "name": "Zo\u00eb \u2014 \u7db2\u8def",
    "\uffff": "in UTF-8 this key comes first, in UTF-16 second",
    "\U0001f600": "\U0001f600",
    "": "\x00",
}
SMALL = chain(given("input", 2), ("dense", dense(1), ARRAYS, ()))
MOMENTUM = {
    **kind("momentum", clip_norm=None, clip_value=None, lr=0.25, mu=0.5, nesterov=False),
    "slots": ["v"],
}
FIT: dict[str, Any] = {
    "batch": 0,
    "batch_size": 2,
    "callbacks": {},
    "epoch": 0,
    "history": [],
    "lr_factor": 1.0,
    "options": {
        "accumulate": 1, "batches": None, "callbacks": [], "drop_last": False, "frozen": [],
        "lr_factors": {}, "metrics": {}, "regularizer": None, "shuffle": False,
        "validation": False, "weight": False,
    },
    "rows": 2,
    "running": {},
    "step": 0,
    "stopped": False,
}  # fmt: skip


def deep(levels: int) -> Any:
    """Return empty lists inside each other."""
    return [deep(levels - 1)] if levels > 1 else []


def state(updates: int, options: dict[str, Any], **fit: Any) -> dict[str, Any]:
    return {
        "fit": {**FIT, **fit, "options": {**FIT["options"], **options}},
        "implementation": "numpy",
        "loss": {"dense": kind("mean_squared_error")},
        "optimizer": {**MOMENTUM, "step": updates},
        "seed": 0,
    }


def training() -> bytes:
    """Return a run after two epochs, worked out by hand.

    x = ((1, 0), (0, 1)), y = (1, 2), from zeros: loss (1 + 4) / 2, gradient (-1, -2) and -3; then
    loss 0.75^2 / 2, gradient (0, -0.75) and -0.75.
    """
    weight, bias = floats(0.375, 0.9375), floats(1.3125)
    callbacks = {"early_stopping": {"best": 0.28125, "best_epoch": 2, "waited": 0}}
    stopping = {
        "keep_best": True, "min_delta": 0.0, "mode": None, "monitor": "loss", "patience": 3,
    }  # fmt: skip
    return file(
        SMALL,
        {
            "dense/bias": ("f32", [1], bias),
            "dense/weight": ("f32", [2, 1], weight),
            "slot:dense/bias/v": ("f32", [1], floats(-2.25)),
            "slot:dense/weight/v": ("f32", [2, 1], floats(-0.5, -1.75)),
            "state:early_stopping/weights_0": ("f32", [2, 1], weight),
            "state:early_stopping/weights_1": ("f32", [1], bias),
            "state:history/loss": ("f64", [2], struct.pack("<2d", 2.5, 0.28125)),
        },
        state=state(
            2, {"callbacks": ["early_stopping"], "configs": {"early_stopping": stopping}},
            callbacks=callbacks, epoch=2, history=["loss"], step=2,
        ),
    )  # fmt: skip


def training_inside_an_epoch() -> bytes:
    """Return a run of four rows after the first of two batches, which make one update."""
    metrics = {"mean_absolute_error": kind("mean_absolute_error")}
    keeper = {"best": {"float": "inf"}, "none": {"float": "nan"}, "worst": {"float": "-inf"}}
    running = {
        "gathered": 1,
        "gathered_mass": 2.0,
        "measures.loss.dense": 5.0,
        "measures.mass.dense": 2.0,
    }
    return file(
        SMALL,
        {
            "dense/bias": ("f32", [1], floats(0)),
            "dense/weight": ("f32", [2, 1], floats(0, 0)),
            "slot:dense/bias/v": ("f32", [1], floats(0)),
            "slot:dense/weight/v": ("f32", [2, 1], floats(0, 0)),
            "state:keeper/mask": ("bool", [3], b"\x01\x00\x01"),
            "state:running/mean": ("f32", [3], floats(-1, -2, -3)),
            "state:running/measures.mean_absolute_error.sum": ("f64", [], struct.pack("<d", 3)),
            "state:running/measures.mean_absolute_error.weight": ("f64", [], struct.pack("<d", 2)),
        },
        state=state(
            0, {"accumulate": 2, "callbacks": ["keeper"], "metrics": metrics},
            batch=1, callbacks={"keeper": keeper}, rows=4, running=running, step=1,
        ),
    )  # fmt: skip


def files() -> dict[str, bytes]:
    return {
        "dense": file(PLAIN, TENSORS),
        "dtypes": boxes({dtype: (dtype, [3], content) for dtype, content in VALUES.items()}),
        "bool": boxes({f"n{n}": ("bool", [n], b"\x01\x00" * (n // 2) + b"\x01" * (n % 2))
                       for n in (58, 59, 60, 64)}),
        "empty": boxes({"none": ("f32", [0], b""), "one": ("f32", [], floats(7)),
                        "wide": ("u8", [2**39, 0, 3], b"")}),
        "tied": file(TIED, {"first/bias": ("f32", [2], floats(0, 1)),
                            "first/weight": ("f32", [2, 2], floats(1, 2, 3, 4))}),
        "two-inputs": file(TWO_INPUTS, {"sum/weight": ("f32", [4, 1], floats(1, 2, 3, 4))}),
        "unknown-length": file(
            chain(given("input", None, 3), ("dense", dense(2), ARRAYS, ())), TENSORS),
        "meta-and-ext": file(PLAIN, TENSORS, meta={"classes": "a b"}, ext={"acme": {"k": [1]}}),
        "unicode": file(PLAIN, TENSORS, meta=UNICODE),
        "numbers": file(PLAIN, TENSORS, ext={**NUMBERS, "depth": deep(30)}),
        "third-party": file(
            THIRD_PARTY, {"box/held": ("i64", [], struct.pack("<q", -5))},
            plugins=[claim("acme", "2.1", "acme:box"), claim("beta", "0.3", "beta:half")]),
        "newer-minor": sealed(
            padded(in_order(header(PLAIN, TENSORS, generator="mlpk 1.7.0"))), contents(TENSORS),
            version=b"\x01\x07"),
        "training": training(),
        "training-inside-an-epoch": training_inside_an_epoch(),
    }  # fmt: skip


if __name__ == "__main__":
    assert VALUES.keys() == SIZES.keys()
    here = Path(__file__).parent / "golden"
    written(Path(sys.argv[1]) if len(sys.argv) > 1 else here, files())
