from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, FileAccessError, FileFormatError, Input, MlpkError, Model

X = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)


@pytest.fixture
def model() -> Model:
    """Return a model that was trained a little, so that its buffers have moved."""
    layers = [mlpk.layers.dense(units=4), "batch_norm", "relu", mlpk.layers.dense(units=2)]
    made = Model(layers, input_shape=(3,), seed=0)
    made.forward(X, training=True)
    return made


@pytest.fixture
def path(tmp_path: Path, model: Model) -> Path:
    """Return the file of the model."""
    model.save(tmp_path / "a.mlpk", meta={"classes": "a b"})
    return tmp_path / "a.mlpk"


def assert_same(found: Model, wanted: Model) -> None:
    assert found.spec == wanted.spec
    for role in ("params", "buffers"):
        here, there = getattr(found, role), getattr(wanted, role)
        assert list(here) == list(there)
        for name, array in here.items():
            assert array.dtype == there[name].dtype
            assert np.array_equal(array, there[name])
            assert not np.shares_memory(array, there[name])


@pytest.mark.parametrize("options", [{}, {"verify": "header"}, {"mmap": True}])
def test_a_model_comes_back_as_it_was(model: Model, path: Path, options: Any) -> None:
    for given in (path, str(path)):
        loaded = mlpk.load(given, **options)
        assert_same(loaded, model)
        assert np.array_equal(loaded.predict(X), model.predict(X))
        assert loaded.meta == {"classes": "a b"}


def test_bytes_are_the_same_as_the_file_s(model: Model, path: Path) -> None:
    data = mlpk.dumps(model)
    assert data == path.read_bytes()
    for given in (data, bytearray(data), memoryview(data)):
        assert_same(mlpk.loads(given), model)  # type: ignore[arg-type] # bytes in other clothes


def test_saving_changes_nothing_and_gives_the_same_bytes_again(model: Model) -> None:
    before = {name: array.copy() for name, array in model.params.items()}
    assert mlpk.dumps(model) == mlpk.dumps(model) == mlpk.dumps(mlpk.loads(mlpk.dumps(model)))
    for name, array in model.params.items():
        assert np.array_equal(array, before[name])


def test_a_graph_with_shared_arrays_and_several_ends_comes_back(tmp_path: Path) -> None:
    a, k = Input((3,), name="a"), Input((), dtype="int64", name="k")
    rows = mlpk.layers.embedding(entries=4, units=3)(k, name="rows")
    layer = mlpk.layers.dense(units=3)
    first = layer(a, name="first")
    second = layer(first, share=first, name="second")
    made = Model(inputs=[a, k], outputs=[mlpk.layers.add()(second, rows), first], dtype="float64")
    made.save(tmp_path / "a.mlpk")
    loaded = mlpk.load(tmp_path / "a.mlpk")
    assert_same(loaded, made)
    x = {"a": X, "k": np.ones(6, int)}
    for name, output in made.predict(x).items():
        assert np.array_equal(loaded.predict(x)[name], output)
    held = sorted(mlpk.load_arrays(tmp_path / "a.mlpk"))
    assert held == ["first/bias", "first/weight", "rows/weight"]


def test_a_loaded_model_can_be_trained_on(path: Path) -> None:
    loaded = mlpk.load(path, seed=3)
    assert loaded.seed == 3
    output = loaded.forward(X, training=True)
    loaded.backward(np.ones_like(output))
    held = loaded.params["dense/weight"].copy()
    mlpk.optimizers.sgd(lr=0.1).attach(loaded).step()
    wanted = held - np.float32(0.1) * loaded.grads["dense/weight"]
    assert np.allclose(loaded.params["dense/weight"], wanted, rtol=1e-6)


def test_the_digest_pins_one_file(model: Model, tmp_path: Path) -> None:
    digest = model.save(tmp_path / "a.mlpk")
    assert digest.startswith("sha256:")
    assert len(digest) == 7 + 64
    assert_same(mlpk.load(tmp_path / "a.mlpk", expect=digest), model)
    assert_same(mlpk.loads(mlpk.dumps(model), expect=digest.upper().replace("SHA", "sha")), model)
    other = "sha256:" + "0" * 64
    ways: list[tuple[Any, Any]] = [
        (mlpk.load, tmp_path / "a.mlpk"),
        (mlpk.loads, mlpk.dumps(model)),
    ]
    for load, given in ways:
        with pytest.raises(FileFormatError, match=f"wanted the file {other}, found {digest}"):
            load(given, expect=other)
    model.params["dense/bias"][0] += 1
    assert model.save(tmp_path / "a.mlpk") != digest


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"expect": "abc"}, "expect"),
        ({"expect": "md5:" + "0" * 64}, "expect"),
        ({"missing": "ignore"}, "missing"),
        ({"missing": None}, "missing"),
        ({"verify": "none"}, "verify"),
        ({"verify": False}, "verify"),
        ({"mmap": "no"}, "mmap"),
        ({"mmap": None}, "mmap"),
        ({"seed": -1}, "seed"),
        ({"seed": "0"}, "seed"),
    ],
)
def test_a_wrong_option_is_named(path: Path, options: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        mlpk.load(path, **options)
    assert caught.value.where == where


@pytest.mark.parametrize("given", ["text", 5, None, [1, 2], Path("a.mlpk")])
def test_only_bytes_are_loaded_as_bytes(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"^data: wanted the bytes that dumps made, found "):
        mlpk.loads(given)


def test_inspecting_shows_the_header(model: Model, path: Path) -> None:
    header = mlpk.inspect(path)
    assert header.spec == model.spec
    assert header.meta == {"classes": "a b"}
    assert header.generator == f"mlpk {mlpk.__version__}"
    assert header.plugins == ()
    assert header.state is None
    assert header.tensors["dense/weight"].shape == (3, 4)
    assert header.tensors["dense/weight"].dtype == "f32"


def test_arrays_are_loaded_by_name(model: Model, path: Path) -> None:
    arrays = mlpk.load_arrays(path)
    assert arrays.keys() == {*model.params, *model.buffers}
    for name, array in {**model.params, **model.buffers}.items():
        assert np.array_equal(arrays[name], array)
        assert arrays[name].flags.writeable


def test_a_flipped_bit_anywhere_is_refused(model: Model) -> None:
    data = mlpk.dumps(model)
    places = np.random.default_rng(1).integers(len(data) * 8, size=60)
    for place in [0, 8 * len(data) - 1, *places]:
        damaged = bytearray(data)
        damaged[place // 8] ^= 1 << place % 8
        with pytest.raises(FileFormatError):
            mlpk.loads(bytes(damaged))


@pytest.mark.parametrize("load", [mlpk.load, mlpk.inspect, mlpk.load_arrays])
def test_what_cannot_be_opened_is_an_os_error(load: Any, tmp_path: Path) -> None:
    for place in (tmp_path / "nothing.mlpk", tmp_path):
        with pytest.raises(FileAccessError) as caught:
            load(place)
        assert isinstance(caught.value, OSError)
        assert caught.value.path == str(place)
        assert str(place) in str(caught.value)
    (tmp_path / "text.mlpk").write_text("hello")
    with pytest.raises(FileFormatError, match=r"this is not a \.mlpk file"):
        load(tmp_path / "text.mlpk")


class TestMapped:
    """`mmap=True`: read-only views of the file."""

    def test_it_predicts_and_inspects(self, model: Model, path: Path) -> None:
        mapped = mlpk.load(path, mmap=True)
        assert np.array_equal(mapped.predict(X), model.predict(X))
        assert mapped.summary() == model.summary()
        assert np.array_equal(mapped.submodel("relu").predict(X), model.submodel("relu").predict(X))
        assert mapped.evaluate(X, X[:, :2], loss="mean_squared_error")["loss"] > 0

    def test_its_arrays_cannot_be_written(self, path: Path) -> None:
        mapped = mlpk.load(path, mmap=True)
        with pytest.raises(ValueError, match="read-only"):
            mapped.params["dense/bias"][0] = 1
        with pytest.raises(ConfigError, match="load it without mmap"):
            mapped.params["dense/bias"] = np.zeros(4)
        with pytest.raises(ConfigError, match=r"mapped from .*a\.mlpk.*load it without mmap"):
            mapped.load_params(path)

    def test_it_is_not_trained(self, path: Path) -> None:
        mapped = mlpk.load(path, mmap=True)
        for ask in (
            lambda: mapped.forward(X, training=True),
            lambda: mapped.grads,
            lambda: mlpk.optimizers.sgd().attach(mapped),
            lambda: mapped.fit(X, X[:, :2], loss="mean_squared_error", optimizer="sgd"),
            lambda: mapped.submodel("relu").forward(X),
        ):
            with pytest.raises(MlpkError, match=r"cannot be trained: .*load it without mmap"):
                ask()

    def test_it_is_not_saved_over_its_own_file(self, path: Path, tmp_path: Path) -> None:
        mapped = mlpk.load(path, mmap=True)
        before = path.read_bytes()
        link = tmp_path / "link.mlpk"
        link.symlink_to(path)
        for place in (path, link, tmp_path / "." / "a.mlpk", os.path.relpath(path)):
            for made in (mapped, mapped.submodel("relu")):
                with pytest.raises(FileAccessError, match="mapped from that very file"):
                    made.save(place)
        assert path.read_bytes() == before
        mapped.save(tmp_path / "b.mlpk")
        assert (tmp_path / "b.mlpk").read_bytes() == before

    def test_a_link_is_followed_when_it_is_mapped_too(self, path: Path, tmp_path: Path) -> None:
        link = tmp_path / "link.mlpk"
        link.symlink_to(path)
        with pytest.raises(FileAccessError, match="mapped from that very file"):
            mlpk.load(link, mmap=True).save(path)

    def test_a_copy_is_whole(self, model: Model, path: Path) -> None:
        import copy

        again = copy.deepcopy(mlpk.load(path, mmap=True))
        assert_same(again, model)
        again.params["dense/bias"] = np.ones(4)
        assert again.grads["dense/bias"].shape == (4,)
