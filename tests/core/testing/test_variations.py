"""The inputs that the kit makes of an example's own."""

from typing import ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import Declaration, Example, Layer, ShapeError, define
from mlpk.testing.bench import Bench
from mlpk.testing.layers.memory import BYTES_A_ROW, PART
from mlpk.testing.variations import declares, enlarged, of_any_rank, of_unknown_length


@define
class Picky(Layer):
    """Takes one row of the lengths in its field, or of more along all axes but the last."""

    kind: ClassVar[str] = "picky"

    last: int = 3

    def declare(self, *x):
        if any(len(shape) != 2 or shape[-1] != self.last for shape in x):
            raise ShapeError(f"wanted two axes, the last of length {self.last}")
        return Declaration(x[0])

    def forward(self, arrays, ctx, *x):
        raise NotImplementedError

    def backward(self, arrays, ctx, saved, doutput, grads):
        raise NotImplementedError

    @classmethod
    def examples(cls):
        yield Example(cls(), (2, 3))


def shapes(example, rows=2):
    return [np.shape(array) for array in example.inputs(np.random.default_rng(0), rows)]


def test_enlarged_grows_every_axis_where_the_layer_lets_it():
    larger = enlarged(Example(mlpk.layers.relu(), (3,)))
    assert larger.input_shapes == ((48,),)
    assert shapes(larger) == [(2, 48)]
    larger = enlarged(Example(mlpk.layers.relu(), (None, 3)))
    assert larger.input_shapes == ((None, 12),)
    assert shapes(larger) == [(2, 20, 12)]
    assert enlarged(Example(Picky(), (2, 3))).input_shapes == ((8, 3),)
    fixed = Example(mlpk.layers.reshape(shape=(3, 2)), (6,))
    assert enlarged(fixed).input_shapes == ((6,),)


def test_enlarged_keeps_what_is_broadcast_and_what_belongs_together():
    (two,) = [
        enlarged(example)
        for example in mlpk.layers["lstm"].examples()
        if len(example.input_shapes) == 2 and example.instance.return_sequences
    ][:1]
    (rows, steps, _), mask = shapes(two)
    assert mask == (rows, steps)
    assert enlarged(Example(Picky(last=1), (2, 1))).input_shapes == ((8, 1),)


def test_indices_are_repeated_and_inputs_of_a_linear_layer_drawn():
    embedding = mlpk.layers.embedding(entries=4, units=3)
    given = Example(embedding, (5,), draw=lambda rng, n: rng.integers(4, size=(n, 5)))
    (indices,) = enlarged(given).inputs(np.random.default_rng(0), 2)
    assert indices.shape == (2, 80)
    assert indices.max() < 4
    for linear in (True, False):
        given = Example(mlpk.layers.identity(), (3,), linear=linear)
        (x,) = enlarged(given).inputs(np.random.default_rng(0), 2)
        assert np.array_equal(x[:, :3], x[:, 3:6]) is not linear


def test_lengths_become_unknown_one_by_one_and_all_at_once():
    found = [varied.input_shapes for varied in of_unknown_length(Example(Picky(), (2, 3)))]
    assert found == [((None, 3),)]
    found = [
        varied.input_shapes for varied in of_unknown_length(Example(mlpk.layers.relu(), (2, 3)))
    ]
    assert found == [((None, 3),), ((2, None),), ((None, None),)]


def test_ranks_are_those_that_the_layer_takes():
    found = {varied.input_shapes[0] for varied in of_any_rank(Example(mlpk.layers.relu(), (3,)))}
    assert {len(shape) for shape in found} == set(range(6))
    assert {(), (1,), (2, 3), (4, 4, 4)} <= found
    assert not list(of_any_rank(Example(Picky(last=7), (2, 7))))


def test_only_a_shape_error_is_a_refusal():
    assert not declares(Example(Picky(), (3,)))
    with pytest.raises(mlpk.GraphError):
        declares(Example(mlpk.layers.relu(), (3,), (3,)))


@pytest.mark.parametrize("kind", mlpk.layers)
def test_a_truth_value_for_each_value_would_be_seen(kind):
    """Some example of each layer is large enough for the check of its memory to mean something."""
    seen = []
    for example in mlpk.layers[kind].examples():
        bench = Bench(enlarged(example), "float32", rows=1)
        arrays = [*bench.inputs.values(), *bench.forward(training=False).values()]
        allowed = PART * sum(array.nbytes for array in arrays) + BYTES_A_ROW
        seen.append(max(array.size for array in arrays) > allowed)
    assert any(seen)
