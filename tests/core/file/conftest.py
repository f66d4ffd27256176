"""Files put together with struct, hashlib and msgpack alone, so that the writer is not its own judge.

Those of networks are crafted with the writer, from what no network would hand it.
"""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest

import mlpk
from mlpk import Model
from mlpk.file import reader, writer
from mlpk_schemas import ModelSpec

FLOATS = struct.pack("<2f", 1.0, -2.0)
BOOLS = b"\x01\x00\x01"
NOBODY = 65534


class Handmade:
    """A small file with the tensors "dense/bias" (f32 [2]) and "dense/used" (bool [3])."""

    payloads = (FLOATS + bytes(51), BOOLS + bytes(56))

    def tree(self) -> dict[str, Any]:
        return deepcopy(
            {
                "critical": [],
                "ext": {},
                "generator": "mlpk 1.0.0",
                "meta": {"k": "v"},
                "pad": b"",
                "plugins": [],
                "spec": {"dtype": "float32", "inputs": [], "nodes": [], "outputs": []},
                "state": None,
                "tensors": {
                    "dense/bias": self.entry(10, "f32", FLOATS, [2]),
                    "dense/used": self.entry(74, "bool", BOOLS, [3]),
                },
            }
        )

    def entry(self, at: int, dtype: str, content: bytes, shape: list[int]) -> dict[str, Any]:
        return {
            "at": at,
            "dtype": dtype,
            "nbytes": len(content),
            "sha256": sha256(content).digest() if content else b"",
            "shape": shape,
        }

    def body(self, *payloads: bytes) -> bytes:
        chunks = [b"\xc6" + struct.pack(">I", len(payload)) + payload for payload in payloads]
        return b"\xdd" + struct.pack(">I", len(payloads)) + b"".join(chunks)

    def seal(self, header: bytes, body: bytes | None = None) -> bytes:
        """Return a file with this header, its size and digest made right."""
        rest = self.body(*self.payloads) if body is None else body
        start = b"\xdc\x00\x06\xc4\x08MLPK\r\n\x1a\n\xcd\x01\x00"
        start += b"\xcf" + struct.pack(">Q", 64 + len(header) + len(rest))
        length = b"\xc6" + struct.pack(">I", len(header))
        digest = sha256(start + length + header).digest()
        return start + b"\xc4\x20" + digest + length + header + rest

    def sha256(self, data: bytes) -> bytes:
        return sha256(data).digest()

    def padded(self, tree: dict[str, Any]) -> bytes:
        """Return the header's bytes as they come, with a pad that makes the length right."""
        short = len(msgpack.packb({**tree, "pad": b""}))
        return msgpack.packb({**tree, "pad": bytes((54 - short) % 64)})

    def file(self, tree: dict[str, Any] | None = None, body: bytes | None = None) -> bytes:
        return self.seal(self.padded(self.tree() if tree is None else tree), body)

    def read(self, data: bytes, **options: Any) -> dict[str, Any]:
        """Read all of a file through every check."""
        source = reader.Source.of(data)
        return reader.read_arrays(source, reader.read_header(source), **options)


@pytest.fixture(scope="session")
def handmade() -> Handmade:
    return Handmade()


@pytest.fixture(scope="session")
def fields() -> dict[str, Any]:
    """The header's fields of the same file, as the writer takes them."""
    spec = ModelSpec(dtype="float32", inputs=(), nodes=(), outputs=())
    return {
        "critical": (),
        "ext": {},
        "generator": "mlpk 1.0.0",
        "meta": {"k": "v"},
        "plugins": (),
        "spec": spec,
        "state": None,
    }


@pytest.fixture(scope="session")
def arrays() -> dict[str, Any]:
    """The arrays of the same file."""
    return {
        "dense/used": np.array([True, False, True]),
        "dense/bias": np.array([1.0, -2.0], np.float32),
    }


@pytest.fixture(scope="session")
def made() -> Callable[..., Model]:
    """Return what makes a network of layers, with options such as `seed=1`."""
    return lambda *layers, **options: Model(layers, **{"input_shape": (3,), "seed": 0, **options})


@pytest.fixture
def model(made: Callable[..., Model]) -> Model:
    """A network with parameters and buffers."""
    return made(mlpk.layers.dense(units=2), "batch_norm")


@pytest.fixture(scope="session")
def crafted() -> Callable[..., bytes]:
    """Return what makes a file that is in order but for changes in its header or its arrays.

    An array of None is left out.
    """

    def craft(model: Model, arrays: dict[str, Any] | None = None, **changes: Any) -> bytes:
        head = {
            "critical": (),
            "ext": {},
            "generator": "mlpk",
            "meta": {},
            "plugins": (),
            "spec": model.spec,
            "state": None,
        }
        tensors = {**model.params, **model.buffers, **(arrays or {})}
        return writer.dump(
            {**head, **changes}, {name: a for name, a in tensors.items() if a is not None}
        )

    return craft


@pytest.fixture
def sealed() -> Iterator[Path]:
    """Yield a folder that may not be written to, with a file "a.mlpk" that may not be read.

    Root may do both: there the test runs as nobody, in a folder of its own that nobody can reach.
    """
    if not hasattr(os, "geteuid"):
        pytest.skip("needs the permissions of a POSIX system")
    folder = Path(tempfile.mkdtemp())
    (folder / "a.mlpk").touch(mode=0)
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)
