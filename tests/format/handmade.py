"""Files of the .mlpk format put together with struct, hashlib and msgpack alone.

`golden.py` and `hostile.py` write their files with it, so that no writer is its own judge. Each
step can be left out or done wrongly: a tree, its canonical bytes, the sealed file.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgpack

START = b"\xdc\x00\x06\xc4\x08MLPK\r\n\x1a\n"
SIZES = {
    "bool": 1, "u8": 1, "u16": 2, "u32": 4, "u64": 8, "i8": 1, "i16": 2, "i32": 4, "i64": 8,
    "f16": 2, "f32": 4, "f64": 8, "c64": 8, "c128": 16,
}  # fmt: skip

# The name of a tensor with its dtype, its shape and its bytes.
Tensors = Mapping[str, tuple[str, Sequence[int], bytes]]


def floats(*numbers: float) -> bytes:
    """Return numbers as the bytes of an f32 tensor."""
    return struct.pack(f"<{len(numbers)}f", *numbers)


def kind(identity: str, **config: Any) -> dict[str, Any]:
    """Return a kind as it stands inside a configuration."""
    return {"config": config, "id": identity, "schema": 1}


def node(
    name: str, layer: dict[str, Any], inputs: list[str], params: Any = (), buffers: Any = ()
) -> dict[str, Any]:
    """Return a node; arrays given by their local names alone are the node's own."""
    return {
        **layer,
        "buffers": own(name, buffers),
        "inputs": inputs,
        "name": name,
        "params": own(name, params),
    }


def own(name: str, arrays: Any) -> dict[str, str]:
    return dict(arrays) if isinstance(arrays, dict) else {key: f"{name}/{key}" for key in arrays}


def given(name: str, *shape: int | None, dtype: str = "float32") -> dict[str, Any]:
    """Return an input of a network."""
    return {"dtype": dtype, "name": name, "shape": list(shape)}


def spec(
    inputs: list[dict[str, Any]], nodes: list[dict[str, Any]], outputs: list[str]
) -> dict[str, Any]:
    return {"dtype": "float32", "inputs": inputs, "nodes": nodes, "outputs": outputs}


def table(tensors: Tensors) -> dict[str, Any]:
    """Return the tensor table: offsets, sizes and digests derived from the bytes."""
    entries: dict[str, Any] = {}
    end = 5
    for name, (dtype, shape, content) in sorted(tensors.items()):
        entries[name] = {
            "at": end + 5 if content else 0,
            "dtype": dtype,
            "nbytes": len(content),
            "sha256": sha256(content).digest() if content else b"",
            "shape": list(shape),
        }
        end += 5 + len(payload(content)) if content else 0
    return entries


def header(network: dict[str, Any], tensors: Tensors, **more: Any) -> dict[str, Any]:
    """Return the header's tree; `more` are the keys that differ from the plain ones."""
    return {
        "critical": [],
        "ext": {},
        "generator": "mlpk 1.0.0",
        "meta": {},
        "pad": b"",
        "plugins": [],
        "spec": network,
        "state": None,
        "tensors": table(tensors),
        **more,
    }


def in_order(value: Any) -> Any:
    """Return a tree with the keys of each map in the order of their UTF-8 bytes."""
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value, key=str.encode)}
    return [in_order(item) for item in value] if isinstance(value, list) else value


def padded(tree: dict[str, Any]) -> bytes:
    """Return a tree's bytes, keys as they stand, with the pad that makes the length right."""
    short = len(msgpack.packb({**tree, "pad": b""}))
    return msgpack.packb({**tree, "pad": bytes((54 - short) % 64)})


def payload(content: bytes) -> bytes:
    """Return a tensor's bytes with the zeros behind them."""
    return content + bytes((59 - len(content)) % 64)


def body(payloads: Sequence[bytes]) -> bytes:
    """Return what stands behind the header."""
    chunks = [b"\xc6" + struct.pack(">I", len(each)) + each for each in payloads]
    return b"\xdd" + struct.pack(">I", len(payloads)) + b"".join(chunks)


def contents(tensors: Tensors) -> bytes:
    """Return the body of a file with these tensors."""
    return body([payload(content) for _, (_, _, content) in sorted(tensors.items()) if content])


def sealed(head: bytes, rest: bytes, *, version: bytes = b"\x01\x00") -> bytes:
    """Return the file of a header and a body: its size and the header's digest are right."""
    start = START + b"\xcd" + version + b"\xcf" + struct.pack(">Q", 64 + len(head) + len(rest))
    length = b"\xc6" + struct.pack(">I", len(head))
    return start + b"\xc4\x20" + sha256(start + length + head).digest() + length + head + rest


def file(network: dict[str, Any], tensors: Tensors, **more: Any) -> bytes:
    """Return a valid file."""
    return sealed(padded(in_order(header(network, tensors, **more))), contents(tensors))


def written(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, and remove what else it holds of their kind."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.mlpk"):
        stale.unlink()
    for name, data in files.items():
        (folder / f"{name}.mlpk").write_bytes(data)
