"""An optimizer at work on a model: which elements it is handed at once, at which rate and count."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import Example, Optimizer, Schedule, define
from mlpk.arrays import Array
from mlpk.optimizer import Step
from mlpk.training.updater import BLOCK

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


def wide():
    """Weights of more than three blocks, and others that end inside of one."""
    layers = [{"kind": "dense", "units": 2000}, "batch_norm", {"kind": "dense", "units": 7}]
    return mlpk.Model(layers, input_shape=(100,), seed=0)


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

    def test_where_the_rule_has_no_decay_they_go_on_over_its_end(self, two_layers):
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

    def test_factors_cut_blocks_too(self, two_layers):
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

    def test_a_rule_that_is_not_elementwise_gets_parameters_in_their_shape(self, two_layers):
        Whole().attach(two_layers()).step()
        assert sorted(block.shape for block, *_ in SEEN) == [(2,), (3,), (3,), (3,), (3, 2), (4, 3)]


class TestCounting:
    def test_t_is_counted_from_one_and_schedules_from_zero(self, two_layers):
        updater = Watcher(lr=Countdown()).attach(two_layers())
        for _ in range(3):
            updater.step()
        updater.step(lr_factor=0.5)
        rates = {t: lr for _, lr, _, t in SEEN}
        assert rates == {1: 1.0, 2: 1 / 2, 3: 1 / 3, 4: 1 / 8}
        assert updater.t == 4

    def test_slots_are_fresh_with_each_attachment(self, two_layers, with_grads):
        model = with_grads(two_layers())
        momentum = mlpk.optimizers.momentum()
        first = momentum.attach(model)
        first.step()
        assert first.slots["v"].flat.min() == 1.0
        second = momentum.attach(model)
        assert (second.t, second.slots["v"].flat.max()) == (0, 0.0)
