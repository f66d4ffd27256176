"""Whatever can be written comes back, and the file is plain msgpack to everyone else."""

from __future__ import annotations

import msgpack
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlpk.file import reader, writer
from mlpk.file.layout import CHUNK, DTYPES
from mlpk.file.source import Source

PART = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,8}", fullmatch=True)
NAMES = st.one_of(
    st.builds("{}/{}".format, PART, PART),
    st.builds("slot:{}/{}/{}".format, PART, PART, PART),
    st.builds("state:{}/{}".format, PART, PART),
)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=5)
ARRAYS = hnp.arrays(
    st.sampled_from(list(DTYPES.values())).flatmap(
        lambda dtype: st.sampled_from([dtype, dtype.newbyteorder(">")])
    ),
    SHAPES,
)
LAYOUTS = st.sampled_from(
    [
        lambda array: array,
        np.asfortranarray,
        lambda array: array.T,
        lambda array: array[::-1] if array.ndim else array,
        lambda array: np.repeat(array, 2, -1)[..., ::2] if array.ndim else array,
        lambda array: np.broadcast_to(array, (2, *array.shape)),
    ]
)
TENSORS = st.dictionaries(
    NAMES, st.builds(lambda array, layout: layout(array), ARRAYS, LAYOUTS), max_size=6
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=20)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip
EXT = st.dictionaries(st.text(max_size=9), VALUES, max_size=4)
META = st.dictionaries(st.text(max_size=9), st.text(max_size=20), max_size=4)


@given(TENSORS, EXT, META, st.sampled_from([1, 7, 64, 100, CHUNK]))
@settings(deadline=None)
def test_what_is_written_comes_back(fields, tensors, ext, meta, chunk):
    data = writer.dump(fields | {"ext": ext, "meta": meta}, tensors, chunk=chunk)
    source = Source.of(data)
    header = reader.read_header(source, chunk=chunk)
    assert (header.ext, header.meta) == (ext, meta)
    assert list(header.tensors) == sorted(tensors)
    for mmap in (False, True):
        found = reader.read_arrays(source, header, mmap=mmap, chunk=chunk)
        assert list(found) == sorted(tensors)
        for name, array in tensors.items():
            assert found[name].shape == array.shape
            assert found[name].dtype == array.dtype.newbyteorder("<")
            assert found[name].tobytes() == array.astype(array.dtype.newbyteorder("<")).tobytes()


@given(TENSORS)
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_arrays_does_not_matter(fields, tensors):
    turned = {name: array.copy() for name, array in reversed(tensors.items())}
    assert writer.dump(fields, tensors) == writer.dump(fields, turned)


@given(TENSORS, META)
@settings(max_examples=40, deadline=None)
def test_any_msgpack_library_reads_the_file(fields, tensors, meta):
    data = writer.dump(fields | {"meta": meta}, tensors)
    magic, version, size, digest, packed, chunks = msgpack.unpackb(data)
    assert (magic, version, size) == (b"MLPK\r\n\x1a\n", 256, len(data))
    assert len(digest) == 32
    assert (len(data) % 64, len(packed) % 64) == (59, 54)
    header = msgpack.unpackb(packed)
    assert header["meta"] == meta
    filled = {name: entry for name, entry in header["tensors"].items() if entry["nbytes"]}
    assert len(chunks) == len(filled)
    for (name, entry), chunk in zip(filled.items(), chunks, strict=True):
        content = np.ascontiguousarray(tensors[name], DTYPES[entry["dtype"]]).tobytes()
        assert chunk == content.ljust(len(chunk), b"\0")
        start = 64 + len(packed) + entry["at"]
        assert start % 64 == 0
        assert data[start : start + len(content)] == content
