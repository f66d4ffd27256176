"""Embedding."""

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, Context, DataError, GraphError
from mlpk_plugins.layers.embedding import Embedding

WEIGHT = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]])


class Table:
    """An embedding of WEIGHT, or of another table, outside of any network."""

    def __init__(self, weight=WEIGHT):
        self.layer = Embedding(entries=len(weight), units=weight.shape[1])
        self.arrays = {"weight": weight}
        self.grads = {"weight": np.full_like(weight, np.nan)}
        self.ctx = Context(weight.dtype, spoil=True)
        self.saved = None

    def forward(self, x):
        y, self.saved = self.layer.forward(self.arrays, self.ctx, x)
        return y

    def backward(self, dy):
        return self.layer.backward(self.arrays, self.ctx, self.saved, dy, self.grads)


def test_by_hand():
    table = Table()
    y = table.forward(np.array([[3, 0], [3, 1]]))
    assert y.tolist() == [[[6.0, 7.0], [0.0, 1.0]], [[6.0, 7.0], [2.0, 3.0]]]
    dy = np.array([[[1.0, 2.0], [3.0, 4.0]], [[10.0, 20.0], [0.5, 0.0]]])
    assert table.backward(dy) is None
    # Row 3 is used twice, row 2 never.
    assert table.grads["weight"].tolist() == [[3.0, 4.0], [0.5, 0.0], [0.0, 0.0], [11.0, 22.0]]


@pytest.mark.parametrize("shape", [(7,), (3, 5), (2, 3, 4), (1,), (1, 1)])
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "uint64"])
def test_any_rank_and_width_of_integer_against_loops(shape, dtype):
    rng = np.random.default_rng(0)
    weight, x = rng.standard_normal((6, 3)), rng.integers(6, size=shape).astype(dtype)
    table, dy = Table(weight), rng.standard_normal((*shape, 3))
    y, dweight = np.empty((*shape, 3)), np.zeros((6, 3))
    for place in np.ndindex(shape):
        y[place] = weight[x[place]]
        dweight[x[place]] += dy[place]
    np.testing.assert_array_equal(table.forward(x), y)
    table.backward(dy)
    np.testing.assert_allclose(table.grads["weight"], dweight, rtol=1e-13)
    table.forward(np.asfortranarray(x))
    table.backward(np.asfortranarray(dy))
    np.testing.assert_allclose(table.grads["weight"], dweight, rtol=1e-13)


def test_the_gradient_is_that_of_the_product_with_one_hot_rows():
    rng = np.random.default_rng(1)
    x, dy = rng.integers(50, size=(40, 30)), rng.standard_normal((40, 30, 4)).astype("float32")
    table = Table(np.zeros((50, 4), "float32"))
    table.forward(x)
    table.backward(dy)
    wanted = np.eye(50)[x.ravel()].T @ dy.reshape(-1, 4).astype(float)
    assert table.grads["weight"].dtype == np.float32
    np.testing.assert_allclose(table.grads["weight"], wanted, rtol=1e-4, atol=1e-5)


def test_no_rows_no_gradient():
    table = Table()
    assert table.forward(np.empty((0, 3), "int64")).shape == (0, 3, 2)
    assert table.backward(np.empty((0, 3, 2))) is None
    assert not table.grads["weight"].any()


@pytest.mark.parametrize(
    ("x", "value", "row"),
    [
        ([[0, 1], [2, 3], [1, 4]], 4, 2),
        ([[0, 1], [-1, 9]], -1, 1),
        ([7], 7, 0),
    ],
)
def test_an_index_out_of_range_names_its_row(x, value, row):
    with pytest.raises(DataError, match=f"from 0 to 3, found {value} in row {row}") as caught:
        Table().forward(np.array(x))
    assert caught.value.row == row


def test_real_numbers_are_no_indices():
    layer = Embedding(entries=4, units=2)
    with pytest.raises(GraphError, match=r'wanted whole numbers, .* input_dtype="int64"$'):
        mlpk.Model([layer], input_shape=(7,))
    with pytest.raises(GraphError, match=r'^embedding: .* mlpk.Input\(..., dtype="int64"\)$'):
        layer(mlpk.Input((7,), name="words"))
    with pytest.raises(GraphError, match="found bool from the input 'words'"):
        layer(mlpk.Input((7,), dtype="bool", name="words"))


def test_memory_stays_as_it_is(peak):
    rng = np.random.default_rng(0)
    table = Table(np.zeros((5, 2)))
    table.ctx._spoil = False
    for arranged in (np.asarray, np.asfortranarray):
        x, dy = arranged(rng.integers(5, size=(50_000, 4))), arranged(np.ones((50_000, 4, 2)))

        def step(x=x, dy=dy):
            table.forward(x)
            table.backward(dy)

        assert peak(step) < len(x)  # one byte a row


def test_in_a_network_only_the_rows_used_learn():
    x = mlpk.Input((3,), dtype="int64")
    hidden = Embedding(entries=5, units=2)(x)
    model = mlpk.Model(inputs=x, outputs=hidden, dtype="float64", seed=0)
    before = model.params["embedding/weight"].copy()
    assert before.shape == (5, 2)
    assert np.abs(before).max() <= 0.05
    y = model.forward(np.array([[0, 4, 4], [4, 0, 0]]), training=True)
    model.backward(y)
    np.testing.assert_array_equal(y[0], before[[0, 4, 4]])
    assert model.grads["embedding/weight"].any(axis=1).tolist() == [True, False, False, False, True]
    np.testing.assert_allclose(model.grads["embedding/weight"][4], 3 * before[4], rtol=1e-14)


def test_what_is_declared():
    declared = Embedding(entries=10, units=4, init="zeros").declare((None, 3))
    assert declared.output == (None, 3, 4)
    assert declared.params["weight"].shape == (10, 4)
    assert declared.params["weight"].decay
    for fields in ({"entries": 0, "units": 1}, {"entries": 1, "units": 0}):
        with pytest.raises(ConfigError, match=r"embedding\."):
            Embedding(**fields)
