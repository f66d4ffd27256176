"""An optimizer at work on a model: what is clipped together, what decays, and what stays."""

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError


@pytest.fixture
def moved(two_layers):
    """Return what moves one weight and one bias by gradients made by hand; sgd with rate 1 shows them."""

    def step(optimizer, grads=(3.0, 4.0), **plan):
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

    return step


class TestClipping:
    def test_clip_norm_is_one_norm_over_everything(self, moved):
        clipped = moved(mlpk.optimizers.sgd(lr=1.0, clip_norm=1.0))
        assert clipped == pytest.approx((0.6, 0.8), abs=1e-12)

    def test_a_norm_within_the_bound_is_left_alone(self, moved):
        assert moved(mlpk.optimizers.sgd(lr=1.0, clip_norm=5.0)) == pytest.approx((3.0, 4.0))

    def test_clip_value_bounds_each_element(self, moved):
        optimizer = mlpk.optimizers.sgd(lr=1.0, clip_value=3.5)
        assert moved(optimizer) == pytest.approx((3.0, 3.5))
        assert moved(optimizer, (-9.0, 1.0)) == pytest.approx((-3.5, 1.0))

    def test_both_bound_elements_first(self, moved):
        optimizer = mlpk.optimizers.sgd(lr=1.0, clip_value=1.0, clip_norm=1.0)
        assert moved(optimizer) == pytest.approx((0.5**0.5, 0.5**0.5), abs=1e-12)

    def test_frozen_gradients_are_no_part_of_the_norm(self, moved):
        optimizer = mlpk.optimizers.sgd(lr=1.0, clip_norm=2.0)
        assert moved(optimizer, frozen=["dense"]) == pytest.approx((0.0, 2.0), abs=1e-12)

    def test_what_is_frozen_in_between_makes_no_second_norm(self, moved):
        optimizer = mlpk.optimizers.sgd(lr=1.0, clip_norm=1.0)
        clipped = moved(optimizer, frozen=["batch_norm"])
        assert clipped == pytest.approx((0.6, 0.8), abs=1e-12)


class TestDecay:
    def test_adamw_decays_weights_and_neither_biases_nor_batch_norm(self, two_layers, with_grads):
        model = with_grads(two_layers(), 0.0)
        for param in model.params.values():
            param.fill(2.0)
        optimizer = mlpk.optimizers.adamw(lr=0.1, weight_decay=0.5).attach(model)
        optimizer.step()
        for name, param in model.params.items():
            wanted = 2.0 * (1 - 0.1 * 0.5) if name.endswith("weight") else 2.0
            np.testing.assert_allclose(param, wanted, rtol=1e-15)

    def test_the_factor_of_a_node_is_in_its_decay(self, two_layers, with_grads):
        model = with_grads(two_layers(), 0.0)
        model.params["dense/weight"].fill(2.0)
        optimizer = mlpk.optimizers.adamw(lr=0.1, weight_decay=0.5).attach(model)
        optimizer.configure(lr_factors={"dense": 0.5})
        optimizer.step()
        np.testing.assert_allclose(model.params["dense/weight"], 2.0 * (1 - 0.05 * 0.5))


class TestFrozen:
    def test_what_is_frozen_or_not_trainable_stays(self, with_grads):
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
    def test_a_wrong_name_or_factor_is_refused(self, plan, sentence, two_layers):
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
