"""Implementations at work in training: whole vectors for updates, and which of them is written down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import Implementation
from mlpk.plugins import PluginWarning
from mlpk.training.updater import BLOCK, FLUSH_EVERY

Implementing = Callable[..., None]
# As many units as make weights longer than a block, of so many inputs.
INPUTS = 100
UNITS = BLOCK // INPUTS + 50
SEEN: list[tuple[tuple[int, ...], float, bool]] = []


@pytest.fixture(autouse=True)
def unseen() -> None:
    """Forget what was seen before."""
    SEEN.clear()


def watched(optimizer: Any, param: Any, grad: Any, slots: Any, step: Any) -> None:
    """Do what the optimizer does, and note what was handed over."""
    SEEN.append((param.shape, step.lr, step.decays))
    assert param.flags.c_contiguous
    assert all(slot.shape == param.shape for slot in slots.values())
    optimizer.update(param, grad, slots, step)


def wide() -> mlpk.Model:
    """Return a network whose first weights are longer than a block."""
    layers = [mlpk.layers.dense(units=UNITS), mlpk.layers.dense(units=3)]
    return mlpk.Model(layers, input_shape=(INPUTS,), seed=0)


def trained(model: mlpk.Model, optimizer: str, steps: int = 3) -> dict[str, Any]:
    updater = mlpk.optimizers[optimizer](lr=0.1).attach(model)
    rng = np.random.default_rng(0)
    for _ in range(steps):
        for grad in model.grads.values():
            grad[...] = rng.standard_normal(grad.shape)
        updater.step()
    return {name: param.copy() for name, param in model.params.items()}


def test_an_elementwise_rule_gets_whole_vectors(implementing: Implementing) -> None:
    wanted = trained(wide(), "adamw")
    implementing("swift", Implementation("adamw", update=watched))
    found = trained(wide(), "adamw")
    weights, biases = INPUTS * UNITS + UNITS * 3, UNITS + 3
    assert weights > BLOCK
    assert SEEN[:2] == [((weights,), 0.1, True), ((biases,), 0.1, False)]
    assert len(SEEN) == 6
    for name, param in found.items():
        assert np.array_equal(param, wanted[name]), name


def test_factors_and_frozen_nodes_cut_them(implementing: Implementing) -> None:
    implementing("swift", Implementation("adamw", update=watched))
    model = wide()
    updater = mlpk.optimizers.adamw(lr=0.5).attach(model)
    before = model.params["dense_1/weight"].copy()
    updater.configure(frozen=["dense_1"])
    updater.step()
    assert np.array_equal(model.params["dense_1/weight"], before)
    updater.configure(lr_factors={"dense_1": 0.5})
    updater.step()
    assert {shape: lr for shape, lr, _ in SEEN} == {
        (INPUTS * UNITS,): 0.5, (UNITS,): 0.5, (UNITS * 3,): 0.25, (3,): 0.25
    }  # fmt: skip
    assert not np.array_equal(model.params["dense_1/weight"], before)


def test_another_rule_gets_parameters_in_their_shape(implementing: Implementing) -> None:
    implementing("swift", Implementation("lamb", update=watched))
    trained(wide(), "lamb", steps=1)
    assert sorted(shape for shape, *_ in SEEN) == sorted(
        [(3,), (UNITS,), (UNITS, 3), (INPUTS, UNITS)]
    )


def test_an_updater_that_exists_takes_to_it_and_back(implementing: Implementing) -> None:
    model = wide()
    updater = mlpk.optimizers.adamw(lr=0.5).attach(model)
    updater.step()
    implementing("swift", Implementation("adamw", update=watched))
    updater.step()
    assert len(SEEN) == 2
    with mlpk.use("numpy"):
        updater.step()
    assert len(SEEN) == 2
    updater.step()
    assert len(SEEN) == 4
    assert updater.t == 4


def test_slots_are_still_kept_off_denormal_numbers(implementing: Implementing) -> None:
    """The flush goes over whole vectors too, in pieces that stay in cache."""
    implementing(
        "swift", Implementation("momentum", update=lambda _o, _param, _grad, _slots, _step: None)
    )
    model = wide()
    updater = mlpk.optimizers.momentum().attach(model)
    (slot,) = updater.slots.values()
    slot.flat.fill(1e-39)
    slot.flat[::7] = 1e-3
    for _ in range(FLUSH_EVERY - 1):
        updater.step()
    assert np.count_nonzero(slot.flat) == slot.flat.size
    updater.step()
    assert np.array_equal(slot.flat != 0, np.arange(slot.flat.size) % 7 == 0)


X = np.random.default_rng(0).standard_normal((12, 3)).astype(np.float32)
Y = np.zeros((12, 1), np.float32)


def run(path: Path, epochs: int = 1, **more: Any) -> mlpk.Model:
    model = mlpk.Model([mlpk.layers.dense(units=1)], input_shape=(3,), seed=0)
    model.fit(
        X, Y, loss="mean_squared_error", optimizer="adam", epochs=epochs, batch_size=4,
        progress=False, checkpoint=path, **more,
    )  # fmt: skip
    return model


def computed(path: Path) -> str:
    state = mlpk.inspect(path).state
    assert state is not None
    return state.implementation


@pytest.mark.parametrize(
    "implementation",
    [
        Implementation("adam", update=watched),
        Implementation(
            "dense",
            forward=mlpk.layers.dense.forward,
            backward=mlpk.layers.dense.backward,
            serves=lambda _layer, shapes, dtype: shapes == ((3,),) and dtype == "float32",
        ),
        Implementation(
            "mean_squared_error",
            forward=mlpk.losses.mean_squared_error.forward,
            backward=mlpk.losses.mean_squared_error.backward,
            serves=lambda _loss, shapes, _dtype: shapes == ((1,),),
        ),
    ],
    ids=lambda each: each.kind,
)
def test_a_checkpoint_says_what_computed(
    implementing: Implementing, tmp_path: Path, implementation: Implementation
) -> None:
    run(tmp_path / "plain.mlpk")
    assert computed(tmp_path / "plain.mlpk") == "numpy"
    implementing("swift", implementation)
    run(tmp_path / "swift.mlpk")
    assert computed(tmp_path / "swift.mlpk") == "swift 1.0"
    with mlpk.use("numpy"):
        run(tmp_path / "again.mlpk")
    assert computed(tmp_path / "again.mlpk") == "numpy"


def test_what_serves_nothing_of_a_network_has_not_computed_it(
    implementing: Implementing, tmp_path: Path
) -> None:
    implementing("swift", Implementation("adam", update=watched, serves=lambda *_: False))
    run(tmp_path / "run.mlpk")
    assert computed(tmp_path / "run.mlpk") == "numpy"


def test_going_on_under_another_says_that_the_bits_will_differ(
    implementing: Implementing, tmp_path: Path
) -> None:
    path = tmp_path / "run.mlpk"
    run(path)
    implementing("swift", Implementation("adam", update=watched))
    with pytest.warns(PluginWarning) as caught:
        run(path, epochs=2, resume=True)
    assert [str(each.message) for each in caught] == [
        (
            f"the run in {path} was computed by 'numpy', and here 'swift 1.0' computes: it goes on, and "
            "the bits will differ from those of a run that was never stopped"
        )
    ]
    assert caught[0].filename == __file__
    assert computed(path) == "swift 1.0"
    run(path, epochs=3, resume=True)  # under the same, in silence
    implementing("swift", Implementation("adam", update=watched), version="1.1")
    with pytest.warns(PluginWarning, match=r"by 'swift 1\.0', and here 'swift 1\.1' computes"):
        run(path, epochs=4, resume=True)


class Stop:
    """Ends a run after its first epoch."""

    @mlpk.hookimpl
    def mlpk_epoch_end(self, fit: Any) -> None:
        fit.stop()


@pytest.mark.parametrize(("epochs", "callbacks"), [(1, ()), (3, (Stop,))], ids=["all", "stopped"])
def test_a_run_at_its_end_computes_nothing_more_and_warns_of_nothing(
    implementing: Implementing, tmp_path: Path, epochs: int, callbacks: tuple[type, ...]
) -> None:
    path = tmp_path / "run.mlpk"
    run(path, epochs, callbacks=[each() for each in callbacks])
    written = path.read_bytes()
    implementing("swift", Implementation("adam", update=watched))
    SEEN.clear()
    run(path, epochs, callbacks=[each() for each in callbacks], resume=True)
    assert SEEN == []
    assert path.read_bytes() == written


def test_going_on_under_the_same_is_exact(implementing: Implementing, tmp_path: Path) -> None:
    implementing("swift", Implementation("adam", update=watched))
    straight = run(tmp_path / "straight.mlpk", epochs=4)
    run(tmp_path / "run.mlpk", epochs=2)
    stopped = run(tmp_path / "run.mlpk", epochs=4, resume=True)
    for name, param in stopped.params.items():
        assert np.array_equal(param, straight.params[name]), name
