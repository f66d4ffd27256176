"""Files whose bytes are fixed for ever: read as they were meant, written again bit for bit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import Buffer, Declaration, Initializer, Layer, Model, catalog, define
from mlpk.file import model_file, writer
from mlpk_schemas.records import values

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(path.stem for path in FOLDER.glob("*.mlpk"))
DTYPES = {
    "bool": "bool", "u8": "uint8", "u16": "uint16", "u32": "uint32", "u64": "uint64",
    "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64",
    "f16": "float16", "f32": "float32", "f64": "float64", "c64": "complex64", "c128": "complex128",
}  # fmt: skip
INF = np.inf


@define
class Half(Initializer):
    """One half everywhere; of a third party, beta."""

    kind: ClassVar[str] = "half"

    def draw(self, rng: Any, shape: Any, fans: Any) -> Any:
        return np.full(shape, 0.5)


@define
class Box(Layer):
    """y = x; it remembers an array. Of a third party, acme."""

    kind: ClassVar[str] = "box"

    dtype: str
    shape: tuple[int, ...]
    init: Initializer | None = None

    def declare(self, x):
        return Declaration(x, {}, {"held": Buffer(self.shape, 0, self.dtype)})

    def forward(self, arrays, ctx, x):
        return x, None

    def backward(self, arrays, ctx, saved, dy, grads):
        return dy

    @classmethod
    def examples(cls):
        yield from ()


class Keeper:
    """Keeps numbers that are not finite, and saves the run after its first batch."""

    kind = "keeper"

    def __init__(self, path: Path) -> None:
        self.path = path

    @mlpk.hookimpl
    def mlpk_batch_end(self, fit):
        if fit.step == 1:
            fit.save(self.path)

    def state(self):
        mask = np.array([True, False, True])
        return {"best": INF, "mask": mask, "none": float("nan"), "worst": -INF}

    def restore(self, state):
        self.restored = state


@pytest.fixture(autouse=True)
def third_parties(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make acme 2.1 and beta 0.3 active, and this mlpk 1.0.0."""
    monkeypatch.setattr(model_file, "__version__", "1.0.0")
    held = catalog.current()
    brought = [
        catalog.Brought("layers", "box", "acme", Box),
        catalog.Brought("initializers", "half", "beta", Half),
    ]
    records = [
        catalog.Record("acme", "2.1", "active", 0.0, ()),
        catalog.Record("beta", "0.3", "active", 0.0, ()),
    ]
    catalog.swap(lambda _: catalog.Catalog([*held.brought, *brought], [*held.records, *records]))
    yield
    catalog.swap(lambda _: held)


def golden(name: str) -> bytes:
    return (FOLDER / f"{name}.mlpk").read_bytes()


def filled(model: Model, **arrays: Any) -> Model:
    """Set the arrays of a model, given with two underscores for the slash."""
    given = {name.replace("__", "/"): value for name, value in arrays.items()}
    held = {**model.params, **model.buffers}
    assert held.keys() == given.keys()
    for name, value in given.items():
        held[name][...] = value
    return model


def boxes(*layers: tuple[str, str, tuple[int, ...]]) -> Model:
    listed = [
        {"kind": "acme:box", "name": name, "dtype": dtype, "shape": shape}
        for name, dtype, shape in layers
    ]
    return Model(listed, input_shape=(1,), seed=0)


def plain(**options: Any) -> Model:
    model = Model([mlpk.layers.dense(units=2)], **{"input_shape": (3,), "seed": 0, **options})
    return filled(model, dense__weight=[[1, 2], [3, 4], [5, 6]], dense__bias=[0.5, -0.5])


def every_dtype() -> Model:
    model = boxes(*((name, dtype, (3,)) for name, dtype in DTYPES.items()))
    for name, array in expected_dtypes().items():
        model.buffers[f"{name}/held"][...] = array
    return model


def expected_dtypes() -> dict[str, Any]:
    """Return the least, the largest and another value of each dtype."""
    lists: dict[str, list[Any]] = {"bool": [False, True, True]}
    others = iter([7, 258, 2**24 + 1, 2**53 + 1, -1, -2, -3, -4])
    for name, dtype in DTYPES.items():
        if name[0] in "ui":
            lists[name] = [np.iinfo(dtype).min, np.iinfo(dtype).max, next(others)]
    lists |= {"f16": [-INF, 65504, -0.0], "f32": [-INF, np.float32(0.1), 0]}
    lists |= {"f64": [-INF, np.pi, 0]}
    lists |= {"c64": [1 - 2j, complex(INF, 0), complex(-0.0, 0.5)]}
    lists |= {"c128": [1 - 2j, complex(INF, 0), complex(-0.0, np.pi)]}
    found = {name: np.array(value, DTYPES[name]) for name, value in lists.items()}
    found["f32"].view(np.uint32)[2] = 0x7FC00001  # a nan that carries a number
    found["f64"].view(np.uint64)[2] = 0x7FF8000000000001
    return found


def bools() -> Model:
    model = boxes(*((f"n{length}", "bool", (length,)) for length in (58, 59, 60, 64)))
    for array in model.buffers.values():
        array[::2] = True
    return model


def empty() -> Model:
    model = boxes(
        ("none", "float32", (0,)), ("one", "float32", ()), ("wide", "uint8", (2**39, 0, 3))
    )
    model.buffers["one/held"][...] = 7
    return model


def tied() -> Model:
    x = mlpk.Input((2,))
    first = mlpk.layers.dense(units=2)(x, name="first")
    again = mlpk.layers.dense(units=2)(first, name="again", share=first)
    model = Model(inputs=x, outputs=again, seed=0)
    return filled(model, first__weight=[[1, 2], [3, 4]], first__bias=[0, 1])


def two_inputs() -> Model:
    left, right = mlpk.Input((2,), name="left"), mlpk.Input((2,), name="right")
    joined = mlpk.layers.concatenate()(left, right, name="joined")
    total = mlpk.layers.dense(units=1, bias=False)(joined, name="sum")
    kept = mlpk.layers.relu()(right, name="kept")
    model = Model(inputs=[left, right], outputs=[total, kept], seed=0)
    return filled(model, sum__weight=[[1], [2], [3], [4]])


def with_meta(meta: dict[str, str]) -> Model:
    model = plain()
    model.meta = meta
    return model


def third_party() -> Model:
    layers = ["relu", {"kind": "box", "dtype": "int64", "shape": [], "init": "half"}]
    return filled(Model(layers, input_shape=(3,), seed=0), box__held=-5)


MODELS: dict[str, Callable[[], Model]] = {
    "dense": plain,
    "dtypes": every_dtype,
    "bool": bools,
    "empty": empty,
    "tied": tied,
    "two-inputs": two_inputs,
    "unknown-length": lambda: plain(input_shape=(None, 3)),
    "unicode": lambda: with_meta(
        {
            "": "\x00",
            "\U0001f600": "\U0001f600",
            "\uffff": "in UTF-8 this key comes first, in UTF-16 second",
            "name": "Zoë — 網路",
        }
    ),
    "third-party": third_party,
}


def trained(rows: int, **options: Any) -> None:
    """Train from zeros with numbers that no rounding touches."""
    x = np.array([[1, 0], [0, 1], [1, 1], [1, 0]], np.float32)[:rows]
    y = np.array([[1], [2], [0], [4]], np.float32)[:rows]
    model = Model([mlpk.layers.dense(units=1)], input_shape=(2,), seed=0)
    filled(model, dense__weight=0, dense__bias=0).fit(
        x, y, loss="mean_squared_error", optimizer=mlpk.optimizers.momentum(lr=0.25, mu=0.5),
        batch_size=2, shuffle=False, progress=False, **options,
    )  # fmt: skip


def test_every_file_has_its_place_in_these_tests() -> None:
    others = {"meta-and-ext", "newer-minor", "numbers", "training", "training-inside-an-epoch"}
    assert set(FILES) == {*MODELS, *others}
    sizes = [len(golden(name)) for name in FILES]
    assert max(sizes) < 20_000
    assert sum(sizes) < 200_000


@pytest.mark.parametrize("name", MODELS)
def test_the_writer_gives_these_bytes(name: str, tmp_path: Path) -> None:
    assert mlpk.dumps(MODELS[name]()) == golden(name)
    MODELS[name]().save(tmp_path / "a.mlpk")
    assert (tmp_path / "a.mlpk").read_bytes() == golden(name)


def test_every_dtype_is_read_bit_for_bit() -> None:
    arrays = mlpk.load_arrays(FOLDER / "dtypes.mlpk")
    model = mlpk.load(FOLDER / "dtypes.mlpk")
    for name, wanted in expected_dtypes().items():
        for found in (arrays[f"{name}/held"], model.buffers[f"{name}/held"]):
            assert found.dtype == wanted.dtype
            assert found.tobytes() == wanted.tobytes()


def test_so_it_does_for_a_run_between_two_epochs(tmp_path: Path) -> None:
    callbacks = [mlpk.callbacks.early_stopping(monitor="loss")]
    trained(2, epochs=2, callbacks=callbacks, checkpoint=tmp_path / "a.mlpk")
    assert (tmp_path / "a.mlpk").read_bytes() == golden("training")


def test_so_it_does_for_a_run_inside_an_epoch(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "a.mlpk")
    trained(4, accumulate=2, metrics=["mean_absolute_error"], callbacks=[keeper])
    assert (tmp_path / "a.mlpk").read_bytes() == golden("training-inside-an-epoch")


@pytest.mark.parametrize("name", [name for name in FILES if name != "newer-minor"])
def test_header_and_arrays_written_again_give_the_same_bytes(name: str) -> None:
    path = FOLDER / f"{name}.mlpk"
    fields = values(mlpk.inspect(path))
    del fields["pad"], fields["tensors"]
    assert writer.dump(fields, mlpk.load_arrays(path)) == golden(name)


def test_the_script_writes_the_files_that_are_kept(tmp_path: Path) -> None:
    script = FOLDER.parent / "golden.py"
    subprocess.run([sys.executable, script, tmp_path], check=True)
    assert sorted(path.stem for path in tmp_path.iterdir()) == FILES
    for name in FILES:
        assert (tmp_path / f"{name}.mlpk").read_bytes() == golden(name), name
