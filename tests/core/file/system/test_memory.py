"""What reading and writing take of memory."""

from __future__ import annotations

import struct
import tracemalloc
from copy import deepcopy
from pathlib import Path

import pytest

from mlpk.errors import FileFormatError
from mlpk.file import reader

MB = 2**20
# 200 MB in one array, and in many small ones.
MAKE = """
    if many:
        layers = [mlpk.layers.dense(100, init="zeros") for _ in range(many)]
        model = mlpk.Model(layers, input_shape=(100,), seed=0)
    else:
        model = mlpk.Model([mlpk.layers.dense(7071, init="zeros")], input_shape=(7071,), seed=0)
    for array in model.params.values():
        array[...] = 1.0
    model.save(path, durable=False)
    result = sum(array.nbytes for array in model.params.values())
"""
LOAD = """
    import re

    def told(name):
        with open("/proc/self/status") as file:
            return int(re.search(name + r":\\s+(\\d+) kB", file.read())[1]) * 1024

    mlpk.load(small)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the most that was held begins anew
    before = told("VmRSS")
    loaded = {"load": mlpk.load, "load_arrays": mlpk.load_arrays}[way](path)
    held = getattr(loaded, "params", loaded)
    result = [told("VmHWM") - before, sum(array.nbytes for array in held.values())]
"""


@pytest.fixture(scope="module")
def large(forks, tmp_path_factory):
    """Return the paths of a large file of one array, and of a small one."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("needs /proc/self/clear_refs")
    folder = tmp_path_factory.mktemp("large")
    forks.run(MAKE, path=str(folder / "small"), many=2)
    yield forks.run(MAKE, path=str(folder / "large"), many=0), folder
    (folder / "large").unlink()


@pytest.mark.parametrize("way", ["load", "load_arrays"])
def test_loading_takes_the_model_and_at_most_64_mb(forks, large, way):
    nbytes, folder = large
    taken, held = forks.run(LOAD, path=str(folder / "large"), small=str(folder / "small"), way=way)
    assert nbytes == held > 199e6
    assert held * 0.9 < taken < held + 64 * MB


def test_loading_many_layers_takes_the_model_and_at_most_64_mb(forks, tmp_path, large):
    nbytes = forks.run(MAKE, path=str(tmp_path / "many"), many=1000)
    taken, held = forks.run(
        LOAD, path=str(tmp_path / "many"), small=str(large[1] / "small"), way="load"
    )
    assert nbytes == held
    assert held * 0.9 < taken < held + 64 * MB


def lies(handmade):
    """Yield the name of a lie about sizes, and a file that tells it."""
    whole = handmade.file()
    for name, at, width in [("size", 17, 8), ("header", 60, 4)]:
        for claim in (2 ** (8 * width) - 1, 2 ** (8 * width - 1), 2**31, 54 + 64 * 2**14):
            lie = bytearray(whole)
            lie[at : at + width] = claim.to_bytes(width, "big")
            start = 64 + int.from_bytes(whole[60:64], "big")
            lie[27:59] = handmade.sha256(bytes(lie[:25] + lie[59:start]))
            yield f"{name} {claim}", bytes(lie)
    start = 64 + int.from_bytes(whole[60:64], "big")
    for place, name in ((start + 1, "chunks"), (start + 6, "chunk")):
        for claim in (2**32 - 1, 2**31):
            yield f"{name} {claim}", whole[:place] + struct.pack(">I", claim) + whole[place + 4 :]
    for shape in ([2**39], [2**39, 2**39], [2**30, 0, 2**30], [1] * 32, [2**47, 2]):
        for nbytes in (8, 2**40, 2**47, 0):
            tree = deepcopy(handmade.tree())
            tree["tensors"]["dense/bias"] |= {"shape": shape, "nbytes": nbytes}
            yield f"shape {shape} of {nbytes} bytes", handmade.file(tree)
    # Text, bytes, lists and maps that are said to be long, in place of the first key.
    for code in (b"\xdb", b"\xc6", b"\xdd", b"\xdf"):
        header = b"\x89" + code + b"\xff\xff\xff\xff" + bytes(48)
        yield f"a header that begins with {code.hex()}", handmade.seal(header)


def test_lies_about_sizes_cost_nothing(handmade):
    handmade.read(handmade.file())
    for lie, data in lies(handmade):
        source = reader.Source.of(data)
        tracemalloc.start()
        try:
            with pytest.raises(FileFormatError):
                reader.read_arrays(source, reader.read_header(source))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < MB, lie
