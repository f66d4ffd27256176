"""JavaScript finds the same tensors in a file as Python does."""

from __future__ import annotations

import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

import mlpk
from mlpk.file.layout import type_of

HERE = Path(__file__).parent
SCRIPT = HERE / "digests.mjs"
PACKAGE = "@msgpack/msgpack"


@pytest.fixture(scope="session")
def node() -> dict[str, str]:
    """Return an environment in which Node finds the package, or skip.

    It is looked for where NODE_PATH says, around the script, and among what npm installed globally.
    """
    if shutil.which("node") is None:
        pytest.skip("needs Node: there is no program called node")
    paths = [os.environ.get("NODE_PATH", "")]
    if shutil.which("npm") is not None:
        found = subprocess.run(["npm", "root", "-g"], capture_output=True, text=True, check=False)
        paths.append(found.stdout.strip())
    environment = {**os.environ, "NODE_PATH": os.pathsep.join(filter(None, paths))}
    seen = subprocess.run(
        ["node", "-e", f"require({PACKAGE!r})"],
        cwd=HERE, env=environment, capture_output=True, check=False,
    )  # fmt: skip
    if seen.returncode:
        pytest.skip(
            f"needs the package {PACKAGE}: npm install it into a folder, and set NODE_PATH to the "
            "node_modules in there"
        )
    return environment


def digests(path: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", SCRIPT, path], env=environment, capture_output=True, encoding="utf-8", check=False
    )


@pytest.mark.parametrize("path", sorted((HERE / "golden").glob("*.mlpk")), ids=lambda p: p.stem)
def test_javascript_prints_the_same_digests(path: Path, node: dict[str, str]) -> None:
    wanted = [
        f"{sha256(array.tobytes()).hexdigest()} {type_of(array.dtype)} {list(array.shape)} {name}"
        for name, array in mlpk.load_arrays(path).items()
    ]
    done = digests(path, node)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == wanted


def test_javascript_sees_blocks_of_16_mib(tmp_path: Path, node: dict[str, str]) -> None:
    model = mlpk.Model([mlpk.layers.dense(units=1025)], input_shape=(4100,), seed=0)
    assert model.params["dense/weight"].nbytes > 16 * 2**20
    model.save(tmp_path / "a.mlpk", durable=False)
    done = digests(tmp_path / "a.mlpk", node)
    weight = sha256(np.ascontiguousarray(model.params["dense/weight"])).hexdigest()
    assert f"{weight} f32 [4100, 1025] dense/weight" in done.stdout, done.stderr


def test_javascript_notices_a_flipped_bit(node: dict[str, str]) -> None:
    done = digests(HERE / "hostile" / "payload-bit-flipped.mlpk", node)
    assert done.returncode != 0
    assert "dense/bias does not match its digest" in done.stderr
