"""Values that layers cannot take are refused before anything runs."""

from typing import ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import DataError, Declaration, Layer, define


@define
class Roots(Layer):
    """y = sqrt(x) + sqrt(z); keeps what it was asked to check."""

    kind: ClassVar[str] = "roots"
    asked: ClassVar[list] = []

    def declare(self, x, z):
        return Declaration(x)

    def check(self, x, z):
        self.asked.append((x, z))
        for each in (x, z):
            if each is not None and each.min() < 0:
                row = int(np.argwhere(each < 0)[0, 0])
                raise DataError(f"wanted numbers from 0, found others in row {row}", row)

    def forward(self, arrays, ctx, x, z):
        return np.sqrt(x) + np.sqrt(z), None

    def backward(self, arrays, ctx, saved, dy, grads):
        return None, None

    @classmethod
    def examples(cls):
        return iter(())


@pytest.fixture
def words():
    layers = [mlpk.layers.embedding(entries=10, units=2).named("words"), "flatten"]
    return mlpk.Model(
        [*layers, mlpk.layers.dense(units=2)], input_shape=(3,), input_dtype="int64", seed=0
    )


X = np.arange(60).reshape(20, 3) % 10
Y = np.arange(20) % 2
FIT = {"loss": "softmax_cross_entropy", "optimizer": "adam", "batch_size": 4, "progress": False}


def with_wrong(value, row):
    x = X.copy()
    x[row, 1] = value
    return x


def test_nothing_is_trained_on_an_index_out_of_range(words):
    before = {name: array.copy() for name, array in words.params.items()}
    wanted = r"^x for node 'words': wanted indices from 0 to 9, found 10 in row 17$"
    with pytest.raises(DataError, match=wanted) as caught:
        words.fit(with_wrong(10, 17), Y, **FIT)
    assert caught.value.row == 17
    wanted = r"^validation: x for node 'words': wanted indices from 0 to 9, found -1 in row 3$"
    with pytest.raises(DataError, match=wanted):
        words.fit(X, Y, validation=(with_wrong(-1, 3), Y), **FIT)
    for name, array in words.params.items():
        np.testing.assert_array_equal(array, before[name])


def test_so_it_is_in_use(words):
    wanted = r"^x for node 'words': .*found 99 in row 13$"
    with pytest.raises(DataError, match=wanted):
        words.predict(with_wrong(99, 13), batch_size=4)
    with pytest.raises(DataError, match=wanted):
        words.evaluate(with_wrong(99, 13), Y, loss="softmax_cross_entropy")


def test_a_stream_is_checked_batch_by_batch(words):
    batches = [(X[:4], Y[:4]), (with_wrong(10, 1)[:4], Y[:4])]
    wanted = r"^node 'words' \(embedding\): wanted indices .* found 10 in row 1 of batch 1$"
    with pytest.raises(DataError, match=wanted):
        words.fit(batches, **{name: FIT[name] for name in ("loss", "optimizer", "progress")})


def test_flags_serve_for_the_first_two_indices(words):
    assert words.predict(X > 4).shape == (20, 2)


def test_what_another_node_feeds_is_none_and_the_error_names_the_input():
    a, b = mlpk.Input((2,), name="a"), mlpk.Input((2,), name="b")
    model = mlpk.Model(inputs=[a, b], outputs=Roots()(mlpk.layers.relu()(a), b, name="out"))
    x = {"a": -np.ones((5, 2)), "b": np.ones((5, 2))}
    Roots.asked.clear()
    model.predict(x, batch_size=2)
    ((first, second),) = Roots.asked
    assert first is None
    assert second.shape == (5, 2)
    x["b"][4, 1] = -1
    with pytest.raises(
        DataError, match=r"^x\['b'\] for node 'out': wanted numbers from 0"
    ) as caught:
        model.predict(x)
    assert caught.value.row == 4
    both = mlpk.Model(inputs=[a, b], outputs=Roots()(a, b, name="out"))
    with pytest.raises(DataError, match=r"^x\['a'\] and x\['b'\] for node 'out'"):
        both.predict(x)
