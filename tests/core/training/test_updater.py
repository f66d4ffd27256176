"""An optimizer at work on a model."""

import copy
import pickle
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, Example, Optimizer, Schedule, define
from mlpk.arrays import Array
from mlpk.optimizer import Step
from mlpk.training.updater import BLOCK, FLUSH_EVERY

SEEN: list[tuple] = []


@define
class Watcher(Optimizer):
    """Writes down what it is given."""

    kind: ClassVar[str] = "watcher"
    slots: ClassVar[tuple[str, ...]] = ("s",)

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        SEEN.append((param.copy(), step.lr, step.decays, step.t))
        slots["s"] += 1
        param += 1

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls())


@define
class Undecayed(Watcher):
    """The same, for a rule without weight decay."""

    kind: ClassVar[str] = "undecayed"
    decays: ClassVar[bool] = False


@define
class Whole(Watcher):
    """The same, one parameter at a time."""

    kind: ClassVar[str] = "whole"
    elementwise: ClassVar[bool] = False


@define
class Countdown(Schedule):
    """1, 1/2, 1/3, ..."""

    kind: ClassVar[str] = "countdown"

    def at(self, t: int) -> float:
        return 1 / (1 + t)


@pytest.fixture(autouse=True)
def _nothing_seen():
    SEEN.clear()


def two_layers(dtype="float64"):
    layers = [{"kind": "dense", "units": 3}, "batch_norm", {"kind": "dense", "units": 2}]
    return mlpk.Model(layers, input_shape=(4,), dtype=dtype, seed=0)


def wide():
    """Weights of more than three blocks, and others that end inside of one."""
    layers = [{"kind": "dense", "units": 2000}, "batch_norm", {"kind": "dense", "units": 7}]
    return mlpk.Model(layers, input_shape=(100,), seed=0)


def with_grads(model, value=1.0):
    for grad in model.grads.values():
        grad.fill(value)
    return model


class TestBlocks:
    def test_no_block_is_longer_than_the_cache_nor_crosses_from_decay_to_none(self):
        model = wide()
        marks = {name: number for number, name in enumerate(model.params)}
        for name, param in model.params.items():
            param.fill(marks[name])
        Watcher().attach(model).step()
        decaying = {marks["dense/weight"], marks["dense_1/weight"]}
        for block, _, decays, _ in SEEN:
            assert 0 < block.size <= BLOCK
            assert decays is (set(block) <= decaying)
            assert set(block) <= decaying or not set(block) & decaying
        assert sum(block.size for block, *_ in SEEN) == sum(p.size for p in model.params.values())
        assert len(SEEN) == -(-(200_000 + 14_000) // BLOCK) + 1
        lengths = [block.size for block, _, decays, _ in SEEN if decays]
        assert max(lengths) - min(lengths) < 0.01 * BLOCK

    def test_they_begin_at_lines_of_the_cache(self):
        updater = mlpk.optimizers.adamw().attach(wide())
        for vector in (updater.params, updater.grads, *updater.slots.values()):
            assert vector.flat.ctypes.data % 64 == 0
        Watcher().attach(wide()).step()
        ends = np.cumsum([block.size for block, *_ in SEEN])
        assert not (ends[:3] % 16).any()

    def test_where_the_rule_has_no_decay_they_go_on_over_its_end(self):
        Undecayed().attach(two_layers()).step()
        assert [(block.size, decays) for block, _, decays, _ in SEEN] == [(29, False)]

    def test_every_element_is_updated_once(self):
        model = wide()
        before = {name: np.array(param) for name, param in model.params.items()}
        updater = Watcher().attach(model)
        updater.step()
        for name, param in model.params.items():
            np.testing.assert_array_equal(param, before[name] + np.float32(1))
            np.testing.assert_array_equal(updater.slots["s"].views[name], 1)

    def test_factors_cut_blocks_too(self):
        model = two_layers()
        updater = Watcher(lr=0.5).attach(model)
        updater.configure(lr_factors={"dense_1": 0.1, "dense": 2})
        updater.step()
        rates = {(lr, decays): block.size for block, lr, decays, _ in SEEN}
        assert rates == {
            (1.0, True): 12,
            (1.0, False): 3,
            (0.05, True): 6,
            (0.05, False): 2,
            (0.5, False): 6,
        }

    def test_a_rule_that_is_not_elementwise_gets_parameters_in_their_shape(self):
        Whole().attach(two_layers()).step()
        assert sorted(block.shape for block, *_ in SEEN) == [(2,), (3,), (3,), (3,), (3, 2), (4, 3)]


class TestCounting:
    def test_t_is_counted_from_one_and_schedules_from_zero(self):
        updater = Watcher(lr=Countdown()).attach(two_layers())
        for _ in range(3):
            updater.step()
        updater.step(lr_factor=0.5)
        rates = {t: lr for _, lr, _, t in SEEN}
        assert rates == {1: 1.0, 2: 1 / 2, 3: 1 / 3, 4: 1 / 8}
        assert updater.t == 4

    def test_slots_are_fresh_with_each_attachment(self):
        model = with_grads(two_layers())
        momentum = mlpk.optimizers.momentum()
        first = momentum.attach(model)
        first.step()
        assert first.slots["v"].flat.min() == 1.0
        second = momentum.attach(model)
        assert (second.t, second.slots["v"].flat.max()) == (0, 0.0)


class TestClipping:
    """Hand-made gradients on every parameter of two layers; sgd with rate 1 shows them."""

    def moved(self, optimizer, grads=(3.0, 4.0), **plan: Any):
        model = two_layers()
        before = {name: np.array(param) for name, param in model.params.items()}
        for grad in model.grads.values():
            grad.fill(0)
        model.grads["dense/weight"][0, 0] = grads[0]
        model.grads["dense_1/bias"][1] = grads[1]
        updater = optimizer.attach(model)
        updater.configure(**plan)
        updater.step()
        change = {name: before[name] - param for name, param in model.params.items()}
        assert sum(np.count_nonzero(change[name]) for name in change) <= 2
        return change["dense/weight"][0, 0], change["dense_1/bias"][1]

    def test_clip_norm_is_one_norm_over_everything(self):
        clipped = self.moved(mlpk.optimizers.sgd(lr=1.0, clip_norm=1.0))
        assert clipped == pytest.approx((0.6, 0.8), abs=1e-12)

    def test_a_norm_within_the_bound_is_left_alone(self):
        assert self.moved(mlpk.optimizers.sgd(lr=1.0, clip_norm=5.0)) == pytest.approx((3.0, 4.0))

    def test_clip_value_bounds_each_element(self):
        optimizer = mlpk.optimizers.sgd(lr=1.0, clip_value=3.5)
        assert self.moved(optimizer) == pytest.approx((3.0, 3.5))
        assert self.moved(optimizer, (-9.0, 1.0)) == pytest.approx((-3.5, 1.0))

    def test_both_bound_elements_first(self):
        optimizer = mlpk.optimizers.sgd(lr=1.0, clip_value=1.0, clip_norm=1.0)
        assert self.moved(optimizer) == pytest.approx((0.5**0.5, 0.5**0.5), abs=1e-12)

    def test_frozen_gradients_are_no_part_of_the_norm(self):
        optimizer = mlpk.optimizers.sgd(lr=1.0, clip_norm=2.0)
        assert self.moved(optimizer, frozen=["dense"]) == pytest.approx((0.0, 2.0), abs=1e-12)

    def test_what_is_frozen_in_between_makes_no_second_norm(self):
        optimizer = mlpk.optimizers.sgd(lr=1.0, clip_norm=1.0)
        clipped = self.moved(optimizer, frozen=["batch_norm"])
        assert clipped == pytest.approx((0.6, 0.8), abs=1e-12)


class TestDecay:
    def test_adamw_decays_weights_and_neither_biases_nor_batch_norm(self):
        model = with_grads(two_layers(), 0.0)
        for param in model.params.values():
            param.fill(2.0)
        optimizer = mlpk.optimizers.adamw(lr=0.1, weight_decay=0.5).attach(model)
        optimizer.step()
        for name, param in model.params.items():
            wanted = 2.0 * (1 - 0.1 * 0.5) if name.endswith("weight") else 2.0
            np.testing.assert_allclose(param, wanted, rtol=1e-15)

    def test_the_factor_of_a_node_is_in_its_decay(self):
        model = with_grads(two_layers(), 0.0)
        model.params["dense/weight"].fill(2.0)
        optimizer = mlpk.optimizers.adamw(lr=0.1, weight_decay=0.5).attach(model)
        optimizer.configure(lr_factors={"dense": 0.5})
        optimizer.step()
        np.testing.assert_allclose(model.params["dense/weight"], 2.0 * (1 - 0.05 * 0.5))


class TestFrozen:
    def test_what_is_frozen_or_not_trainable_stays(self):
        layers = [
            {"kind": "dense", "units": 3},
            {"kind": "batch_norm", "trainable": False},
            {"kind": "dense", "units": 2},
        ]
        model = with_grads(mlpk.Model(layers, input_shape=(4,), seed=0))
        before = {name: np.array(param) for name, param in model.params.items()}
        updater = mlpk.optimizers.sgd(lr=0.5).attach(model)
        updater.configure(frozen=["dense"])
        updater.step()
        moved = {name for name, param in model.params.items() if (param != before[name]).any()}
        assert moved == {"dense_1/weight", "dense_1/bias"}
        updater.configure(lr_factors={"dense_1": 0})
        updater.step()
        assert (model.params["dense/weight"] != before["dense/weight"]).all()

    @pytest.mark.parametrize(
        ("plan", "sentence"),
        [
            ({"frozen": "dense"}, "^frozen: wanted a list of node names, found 'dense'"),
            ({"frozen": 3}, "^frozen: wanted a list of node names, found 3"),
            ({"frozen": ["dens"]}, r"^frozen: there is no node 'dens'. Did you mean 'dense'\?"),
            ({"lr_factors": {"dens": 1.0}}, "^lr_factors: there is no node 'dens'"),
            ({"lr_factors": {"dense": -1.0}}, r"^lr_factors\['dense'\]: wanted a number >= 0"),
            ({"lr_factors": {"dense": True}}, r"^lr_factors\['dense'\]: wanted a number >= 0"),
            ({"lr_factors": {"dense": np.nan}}, r"^lr_factors\['dense'\]: wanted a number >= 0"),
            ({"lr_factors": ["dense"]}, r"^lr_factors: wanted numbers by node"),
        ],
    )
    def test_a_wrong_name_or_factor_is_refused(self, plan, sentence):
        updater = mlpk.optimizers.sgd().attach(two_layers())
        with pytest.raises(ConfigError, match=sentence):
            updater.configure(**plan)

    def test_nodes_that_share_an_array_must_agree(self):
        x = mlpk.Input((3,), name="x")
        first = mlpk.layers.dense(units=3)(x, name="first")
        second = mlpk.layers.dense(units=3)(first, name="second", share=first)
        model = mlpk.Model(inputs=x, outputs=second, seed=0)
        updater = mlpk.optimizers.sgd().attach(model)
        updater.configure(lr_factors={"first": 0.5, "second": 0.5})
        with pytest.raises(ConfigError, match=r"^frozen: 'first/weight' is shared"):
            updater.configure(frozen=["second"])
        with pytest.raises(ConfigError, match=r"^lr_factors: 'first/weight' is shared"):
            updater.configure(lr_factors={"second": 0.5})


class TestDenormals:
    """Slots behind units that died: their gradient is 0 from the hundredth step on."""

    @pytest.mark.parametrize(
        ("optimizer", "steps"),
        [
            (mlpk.optimizers.momentum(lr=0.01), 2_000),
            (mlpk.optimizers.adam(beta2=0.99), 12_000),
            (mlpk.optimizers.rmsprop(rho=0.99), 12_000),
        ],
        ids=lambda given: getattr(given, "kind", given),
    )
    @pytest.mark.filterwarnings("error")
    def test_slots_reach_zero_and_never_linger_below_the_normal_numbers(self, optimizer, steps):
        model = two_layers("float32")
        updater = optimizer.attach(model)
        tiny = np.finfo(np.float32).tiny
        rng = np.random.default_rng(0)
        alive = rng.random(updater.grads.flat.size) < 0.5
        lingering = 0
        for t in range(steps):
            updater.grads.flat[:] = rng.standard_normal(alive.size) * (alive | (t < 100))
            updater.step()
            for slot in updater.slots.values():
                size = np.abs(slot.flat)
                lingering += int(((size > 0) & (size < tiny)).sum())
        assert lingering == 0
        for slot in updater.slots.values():
            assert (slot.flat[~alive] == 0).all()
            assert (slot.flat[alive] != 0).all()

    def test_results_stay_those_of_the_plain_rule(self):
        """Adam as the paper has it, in float64, never flushed."""
        model = two_layers("float32")
        updater = mlpk.optimizers.adam(lr=0.01).attach(model)
        rng = np.random.default_rng(0)
        p = updater.params.flat.astype(np.float64)
        m, v = np.zeros_like(p), np.zeros_like(p)
        scales = 10.0 ** rng.uniform(-25, 0, p.size)  # gradients down to where squares vanish
        for t in range(1, 10 * FLUSH_EVERY + 1):
            grad = (rng.standard_normal(p.size) * scales * (t < 200)).astype(np.float32)
            updater.grads.flat[:] = grad
            updater.step()
            g = grad.astype(np.float64)
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * g * g
            p -= 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(updater.params.flat, p, rtol=2e-5, atol=2e-5)


class TestAgainstPlainNumpy:
    """A whole run of a net whose weights fill more than a block, beside a loop of matrix products."""

    RATE = 0.05

    def plain(self, model, x, y, rule, steps, decay=0.0):
        w1, b1, w2, b2 = (
            np.array(model.params[name])
            for name in ("dense/weight", "dense/bias", "dense_1/weight", "dense_1/bias")
        )
        memory: dict[int, list] = {}
        losses = []
        for t in range(1, steps + 1):
            batch = slice((t - 1) * 20 % 60, (t - 1) * 20 % 60 + 20)
            rows, one_hot = x[batch], np.eye(10)[y[batch]]
            h = np.tanh(rows @ w1 + b1)
            z = h @ w2 + b2
            e = np.exp(z - z.max(1, keepdims=True))
            p = e / e.sum(1, keepdims=True)
            losses.append(-np.log(p[one_hot.astype(bool)]).mean())
            dz = (p - one_hot) / 20
            dh = (dz @ w2.T) * (1 - h * h)
            grads = (rows.T @ dh, dh.sum(0), h.T @ dz, dz.sum(0))
            for place, (param, grad) in enumerate(zip((w1, b1, w2, b2), grads, strict=True)):
                if decay and place in (0, 2):
                    np.multiply(param, 1 - self.RATE * decay, out=param)
                rule(param, grad, memory.setdefault(place, [np.zeros_like(param)] * 2), t)
        return losses

    def sgd(self, param, grad, memory, t):
        param -= self.RATE * grad

    def adam(self, param, grad, memory, t):
        memory[0] = 0.9 * memory[0] + 0.1 * grad
        memory[1] = 0.999 * memory[1] + 0.001 * grad**2
        mhat, vhat = memory[0] / (1 - 0.9**t), memory[1] / (1 - 0.999**t)
        param -= self.RATE * mhat / (np.sqrt(vhat) + 1e-8)

    @pytest.mark.parametrize(
        ("kind", "rule", "decay"),
        [("sgd", "sgd", 0.0), ("adam", "adam", 0.0), ("adamw", "adam", 0.3)],
    )
    def test_losses_are_the_same(self, fit, digits, kind, rule, decay):
        x, y = digits[0][:60].astype(np.float64), digits[1][:60]
        layers = [{"kind": "dense", "units": 1100}, "tanh", {"kind": "dense", "units": 10}]
        model = mlpk.Model(layers, input_shape=(64,), dtype="float64", seed=0)
        assert model.params["dense/weight"].size > BLOCK
        wanted = self.plain(model, x, y, getattr(self, rule), 30, decay)
        optimizer = {"kind": kind, "lr": self.RATE, **({"weight_decay": decay} if decay else {})}
        seen = []

        class Seen:
            @mlpk.hookimpl
            def mlpk_batch_end(self, fit):
                seen.append(fit.logs["loss"])

        fit(
            model,
            x,
            y,
            optimizer=optimizer,
            batch_size=20,
            epochs=10,
            shuffle=False,
            callbacks=[Seen()],
        )
        np.testing.assert_allclose(seen, wanted, rtol=1e-9)


@pytest.mark.parametrize(
    "copied", [lambda pair: pickle.loads(pickle.dumps(pair)), copy.deepcopy], ids=["pickle", "copy"]
)
def test_with_its_model_it_is_pickled_and_copied_and_goes_on_alike(
    copied: Callable[[Any], Any],
) -> None:
    model = mlpk.Model([mlpk.layers.dense(units=3), mlpk.layers.dense(units=2)], input_shape=(4,))
    updater = mlpk.optimizers.adamw(lr=0.1).attach(model)
    updater.configure(frozen=["dense_1"], lr_factors={"dense": 0.5})

    def step(model: mlpk.Model, updater: mlpk.training.Updater) -> None:
        for grad in model.grads.values():
            grad[...] = np.linspace(-1, 1, grad.size).reshape(grad.shape)
        updater.step()

    step(model, updater)
    again, other = copied((model, updater))
    assert other.model is again
    assert other.t == 1
    for _ in range(2):
        step(model, updater)
        step(again, other)
    assert other.t == 3
    for name, param in model.params.items():
        assert np.array_equal(again.params[name], param), name
        assert not np.shares_memory(again.params[name], param)
