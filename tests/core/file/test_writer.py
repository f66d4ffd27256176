"""What the writer takes, and what it refuses before a byte of it is in place."""

from __future__ import annotations

import io
from functools import partial

import numpy as np
import pytest

from mlpk.errors import ConfigError, DataError
from mlpk.file import reader, writer
from mlpk.file.body import Body
from mlpk.file.layout import Limits
from mlpk.file.source import Source


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_the_prelude_comes_last(fields, arrays, size):
    class Recorder(io.BytesIO):
        steps: tuple[tuple[int, int], ...] = ()

        def write(self, data):
            self.steps += ((self.tell(), len(data)),)
            return super().write(data)

        def writelines(self, pieces):
            for piece in pieces:
                self.write(piece)

    out = Recorder()
    arrays = arrays | {"large/array": np.arange(size, dtype="u4")}
    writer._emit(out, fields, arrays, Limits(), 999_937, durable=False)
    data = out.getvalue()
    *body, header, prelude = out.steps
    assert prelude == (0, 64)
    assert header == (64, int.from_bytes(data[60:64], "big"))
    assert sum(header) == min(body)[0]
    assert max(length for _, length in body) <= 2**20
    ends = [at + length for at, length in sorted(body)]
    assert [*[at for at, _ in sorted(body)][1:], len(data)] == ends  # each byte once


@pytest.mark.parametrize("mode", ["write", "dump"])
@pytest.mark.parametrize("again", [0, 1])
def test_an_array_that_changes_meanwhile_is_noticed(
    fields, arrays, tmp_path, monkeypatch, mode, again
):
    arrays = {name: array.copy() for name, array in arrays.items()}
    path = tmp_path / "a.mlpk"
    path.write_bytes(b"old")
    check = Body.check

    def change(body, written):
        arrays["dense/bias"][1] += 1  # it was written, and is not yet looked at again
        arrays["dense/bias"][1] -= again
        check(body, written)

    monkeypatch.setattr(Body, "check", change)
    save = writer.dump if mode == "dump" else partial(writer.write, path)
    if again:  # as it was
        save(fields, arrays)
        return
    with pytest.raises(DataError, match="'dense/bias' changed while it was being saved"):
        save(fields, arrays)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "array",
    [
        np.array(["a"]),
        np.array([object()]),
        np.array([b"a"]),
        np.zeros(2, "M8[s]"),
        np.zeros(2, "f4,i4"),
        np.zeros(2, np.longdouble) if np.longdouble(0).itemsize > 8 else np.zeros(2, "V4"),
    ],
)
def test_a_dtype_that_no_file_holds(fields, array):
    with pytest.raises(ConfigError, match="wanted one of the dtypes bool, u8") as caught:
        writer.dump(fields, {"a/b": array})
    assert caught.value.where == "arrays['a/b']"


def test_bools_that_are_neither(fields):
    array = np.array([[0, 1], [1, 2]], np.uint8).view(np.bool_)
    with pytest.raises(ConfigError, match="bools of 0 or 1"):
        writer.dump(fields, {"a/b": array.T})


@pytest.mark.parametrize("arrays", [{"a/b": [1.0]}, {"a/b": None}, {1: np.zeros(1)}])
def test_what_is_no_named_array(fields, arrays):
    with pytest.raises(ConfigError, match="wanted names with NumPy arrays"):
        writer.dump(fields, arrays)


@pytest.mark.parametrize("name", ["bias", "a/b/c", "a b/c", "é/b", "a/" + "b" * 254])
def test_a_name_that_no_file_holds(fields, name):
    with pytest.raises(ConfigError, match="wanted names"):
        writer.dump(fields, {name: np.zeros(1)})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"meta": {f"{i}": "" for i in range(257)}}, "at most 256 entries"),
        ({"meta": {"a": "x" * 70_000}}, "at most 65536 bytes|at most 256 entries"),
        ({"meta": {"a": 1}}, "wanted text"),
        ({"ext": {"a": float("nan")}}, "finite"),
        ({"ext": {"a": "x" * 70_000}}, "at most 65536 bytes"),
        ({"ext": {"a": b"x"}}, "plain data"),
        ({"ext": {f"{i}": "x" * 60_000 for i in range(80)}}, "at most 4194304 bytes"),
        ({"critical": ("sparse",)}, "does not know"),
        ({"comment": "x"}, "no such field"),
        ({"spec": None}, "ModelSpec"),
    ],
)
def test_a_header_that_no_reader_takes_is_not_written(fields, arrays, change, problem):
    with pytest.raises(ConfigError, match=problem):
        writer.dump(fields | change, arrays)


def test_a_missing_field(fields, arrays):
    with pytest.raises(ConfigError, match="generator: this field is missing"):
        writer.dump({key: fields[key] for key in fields if key != "generator"}, arrays)


def test_limits_are_raised_for_writer_and_reader_alike(fields, arrays):
    more = fields | {"ext": {f"{i}": "x" * 60_000 for i in range(80)}}
    limits = Limits(header=8 * 2**20)
    source = Source.of(writer.dump(more, arrays, limits=limits))
    assert reader.read_header(source, limits=limits).ext == more["ext"]


def test_a_header_may_be_as_long_as_its_limit(fields, arrays):
    data = writer.dump(fields, arrays)
    length = int.from_bytes(data[60:64], "big")
    assert writer.dump(fields, arrays, limits=Limits(header=length)) == data
    assert reader.read_header(Source.of(data), limits=Limits(header=length)).meta == {"k": "v"}
    with pytest.raises(ConfigError, match=f"at most {length - 1} bytes, found {length}"):
        writer.dump(fields, arrays, limits=Limits(header=length - 1))


def test_a_header_that_was_read_is_written_again(handmade, fields):
    source = Source.of(handmade.file())
    header = reader.read_header(source)
    again = {name: getattr(header, name) for name in [*fields, "pad", "tensors"]}
    assert writer.dump(again, reader.read_arrays(source, header)) == handmade.file()


def test_writing_changes_nothing(fields):
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3)).astype(">f8")
    array.flags.writeable = False
    before = array.tobytes("A")
    writer.dump(fields, {"a/b": array})
    assert array.tobytes("A") == before


def test_ten_thousand_small_tensors(fields):
    arrays = {f"n{i}/w": np.full(i % 5, i, np.int32) for i in range(10_000)}
    source = Source.of(writer.dump(fields, arrays))
    found = reader.read_arrays(source, reader.read_header(source))
    assert all(found[name].tolist() == array.tolist() for name, array in arrays.items())
