from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from mlpk import Context
from mlpk.arrays import Array


def test_scratch_has_the_model_s_dtype_unless_another_is_asked_for() -> None:
    ctx = Context("float32")
    assert ctx.empty("a", (2, 3)).dtype == np.float32
    assert ctx.empty("b", (2, 3), np.intp).dtype == np.intp
    assert ctx.empty("c", (2,), "bool").dtype == np.bool_
    assert ctx.empty("d", ()).shape == ()
    assert ctx.empty("e", (0, 3)).shape == (0, 3)


def test_one_name_is_one_memory_and_two_names_are_two() -> None:
    ctx = Context("float64")
    a, b = ctx.empty("a", (4,)), ctx.empty("b", (4,))
    assert np.shares_memory(a, ctx.empty("a", (4,)))
    assert not np.shares_memory(a, b)
    assert not np.shares_memory(a, Context("float64").empty("a", (4,)))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool", "complex128"])
def test_memory_begins_at_a_line_of_the_cache(dtype: str) -> None:
    ctx = Context("float32")
    for size in (1, 7, 16, 1000, 100_000):
        assert ctx.empty(f"of {size}", (size,), dtype).ctypes.data % 64 == 0


def test_what_a_context_is_unless_it_is_said() -> None:
    ctx = Context("float32")
    assert (ctx.training, ctx.needs_input_grad, ctx.step, ctx.seed) == (True, (True,), 0, 0)


def test_handing_memory_out_does_not_touch_it() -> None:
    ctx = Context("float32")
    ctx.empty("a", (3,)).fill(7)
    assert ctx.empty("a", (3,)).tolist() == [7, 7, 7]


def test_memory_only_grows_and_a_smaller_batch_gets_a_view() -> None:
    ctx = Context("float32")
    large = ctx.empty("y", (8, 3))
    for rows in (8, 5, 1, 8):
        view = ctx.empty("y", (rows, 3))
        assert view.shape == (rows, 3)
        assert view.flags.c_contiguous
        assert np.shares_memory(view, large)
    assert ctx.empty("y", (2, 12)).shape == (2, 12)
    larger = ctx.empty("y", (9, 3))
    assert not np.shares_memory(larger, large)
    assert np.shares_memory(ctx.empty("y", (8, 3)), larger)


def test_another_dtype_under_the_same_name_gets_memory_of_its_own() -> None:
    ctx = Context("float32")
    real, whole = ctx.empty("a", (4,)), ctx.empty("a", (4,), np.int64)
    assert real.dtype == np.float32
    assert whole.dtype == np.int64
    assert not np.shares_memory(real, whole)
    assert ctx.empty("a", (4,)).dtype == np.float32


def test_what_lies_in_order_is_handed_back_and_all_else_copied_to_scratch() -> None:
    ctx = Context("float32")
    x = np.arange(12).reshape(3, 4)
    assert ctx.contiguous("x", x) is x
    for turned in (x.T, x[:, ::2], np.broadcast_to(x[0], (2, 4))):
        copy = ctx.contiguous("x", turned)
        assert copy.flags.c_contiguous
        assert copy.dtype == x.dtype
        assert copy.tolist() == turned.tolist()
        assert np.shares_memory(copy, ctx.empty("x", turned.shape, x.dtype))
    inner = ctx.inner("layer").contiguous("x", x.T)
    assert not np.shares_memory(inner, ctx.contiguous("x", x.T))


def test_positions_are_rows_of_a_matrix() -> None:
    ctx, x = Context("float32"), np.arange(24, dtype=np.float32)
    plain = x.reshape(6, 4)
    assert ctx.matrix("x", plain) is plain
    rows = ctx.matrix("x", x.reshape(2, 3, 4))
    assert rows.tolist() == plain.tolist()
    assert np.shares_memory(rows, x)
    for turned in (plain.T, x.reshape(2, 3, 4).T):
        rows = ctx.matrix("x", turned)
        assert rows.tolist() == turned.reshape(-1, turned.shape[-1]).tolist()
        assert rows.flags.c_contiguous
        assert np.shares_memory(rows, ctx.empty("x", turned.shape))
    inner = ctx.inner("layer").matrix("x", plain.T)
    assert not np.shares_memory(inner, ctx.matrix("x", plain.T))


def test_in_steady_state_nothing_is_allocated() -> None:
    ctx = Context("float32")
    shapes = [(256, 100), (17, 100), (256, 100)]
    for shape in shapes:
        ctx.empty("y", shape)
    tracemalloc.start()
    try:
        for shape in shapes * 10:
            ctx.empty("y", shape)
        assert tracemalloc.get_traced_memory()[1] < 4096
    finally:
        tracemalloc.stop()


def test_spoiled_memory_is_full_of_nan_each_time_it_is_asked_for() -> None:
    ctx = Context("float32", spoil=True)
    for _ in range(2):
        y = ctx.empty("y", (2, 2))
        assert np.isnan(y).all()
        y.fill(0)
    assert ctx.empty("i", (3,), np.int64).tolist() == [1, 1, 1]
    assert ctx.empty("b", (2,), np.bool_).all()


def test_random_numbers_come_from_seed_node_and_step_alone() -> None:
    def drawn(seed: int = 0, name: str = "a", step: int = 1) -> list[float]:
        ctx = Context("float32", seed=seed, name=name)
        ctx.begin(step, training=True)
        return list(ctx.rng.random(3))

    assert drawn() == drawn()
    assert len({tuple(drawn(*given)) for given in ((0,), (1,), (0, "b"), (0, "a", 2))}) == 4


def test_within_a_step_the_stream_goes_on_and_a_new_step_starts_another() -> None:
    ctx = Context("float32")
    ctx.begin(1, training=True)
    assert ctx.rng is ctx.rng
    first, second = ctx.rng.random(), ctx.rng.random()
    assert first != second
    ctx.begin(2, training=True)
    assert ctx.rng.random() not in (first, second)
    ctx.begin(1, training=True)
    assert (ctx.rng.random(), ctx.rng.random()) == (first, second)


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_said_at_each_forward(training: bool) -> None:
    ctx = Context("float32")
    ctx.begin(3, training=training)
    assert (ctx.training, ctx.step) == (training, 3)


def test_a_layer_inside_has_the_mode_of_its_node() -> None:
    ctx = Context("float64", seed=3, needs_input_grad=(True, False))
    ctx.begin(5, training=False)
    inner = ctx.inner("layer")
    assert (inner.dtype, inner.seed, inner.step) == (np.float64, 3, 5)
    assert (inner.training, inner.needs_input_grad) == (False, (True, False))
    inner.needs_input_grad = (True, True)
    assert ctx.needs_input_grad == (True, False)


def test_layers_inside_have_memory_apart_which_their_node_keeps() -> None:
    ctx = Context("float32")
    places = [
        ctx.empty("y", (3,)),
        ctx.inner("a").empty("y", (3,)),
        ctx.inner("b").empty("y", (3,)),
        ctx.inner("a").inner("b").empty("y", (3,)),
    ]
    for number, memory in enumerate(places):
        memory.fill(number)
    assert [memory[0] for memory in places] == [0, 1, 2, 3]
    assert ctx.inner("a").empty("y", (3,)).tolist() == [1, 1, 1]
    assert ctx.inner("a").inner("b").empty("y", (2,)).tolist() == [3, 3]
    assert ctx.inner("a").empty("i", (2,), np.intp).dtype == np.intp


def test_views_are_made_once_for_as_long_as_the_memory_is_the_same() -> None:
    ctx, made = Context("float32"), []

    def columns(memory: Array, _: Array | None) -> list[Array]:
        made.append(memory.shape)
        return list(memory.T)

    def taken(ctx: Context, rows: int, other: Array | None = None) -> list[Array]:
        return ctx.views("columns", (ctx.empty("y", (rows, 2)), other), columns)

    first = taken(ctx, 3)
    assert taken(ctx, 3) is first
    assert [len(column) for column in taken(ctx, 5)] == [5, 5]
    assert taken(ctx, 5, np.zeros(1)) is not taken(ctx, 5)
    assert made == [(3, 2), (5, 2), (5, 2), (5, 2)]
    assert taken(ctx.inner("a"), 3) is not taken(ctx, 3)
    assert taken(ctx.inner("a"), 3) is taken(ctx.inner("a"), 3)


def test_layers_inside_draw_on_from_one_stream() -> None:
    def begun() -> Context:
        ctx = Context("float32", seed=1, name="node")
        ctx.begin(2, training=True)
        return ctx

    ctx = begun()
    assert ctx.inner("a").rng is ctx.inner("a").inner("b").rng is ctx.rng
    drawn = [ctx.inner("a").rng.random(), ctx.inner("b").rng.random(), ctx.rng.random()]
    assert drawn == list(begun().rng.random(3))


def test_memory_of_layers_inside_is_spoiled_with_their_node_s() -> None:
    y = Context("float32", spoil=True).inner("a").inner("b").empty("y", (2,))
    assert np.isnan(y).all()
