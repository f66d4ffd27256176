"""An optimizer at work on a model: over many steps it is the plain rule, down to the smallest numbers."""

import numpy as np
import pytest

import mlpk
from mlpk.training.updater import BLOCK, FLUSH_EVERY


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
    def test_slots_reach_zero_and_never_linger_below_the_normal_numbers(
        self, optimizer, steps, two_layers
    ):
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

    def test_results_stay_those_of_the_plain_rule(self, two_layers):
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
