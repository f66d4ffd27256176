"""JAX: one jitted step, with its state donated."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from contestants.contestant import Contestant, Ran
from net import KERNEL, POOL, Sized
from workload import Workload

os.environ["JAX_PLATFORMS"] = "cpu"  # which JAX reads as it is imported

import jax
from jax import lax
from jax import numpy as jnp

__all__ = ["WithJax"]

LR, BETA1, BETA2, EPS, BN_EPS = 0.001, 0.9, 0.999, 1e-8, 1e-5
MOMENTUM = 0.9


class WithJax(Contestant):
    """State, keys of random numbers included, stays inside; only the loss comes out."""

    @staticmethod
    def lacks(_: Workload) -> str | None:
        return None

    def __init__(self, workload: Workload, threads: int) -> None:
        _start(threads)
        self.workload = workload
        x, y = workload.data()
        self.x, self.y = jnp.asarray(x), jnp.asarray(y, jnp.int32)
        self.rows = x
        self.net = list(workload.net.sized())
        params = _drawn(self.net)
        self._parameters: int = sum(leaf.size for leaf in jax.tree.leaves(params))
        zeros = jax.tree.map(jnp.zeros_like, params)
        slots = (
            (zeros, jax.tree.map(jnp.zeros_like, params)) if workload.optimizer == "adam" else ()
        )
        buffers = _buffers(self.net)
        self.state: Any = (params, slots, buffers, jnp.zeros((), jnp.int32), jax.random.key(0))
        step = partial(_step, self.net, workload.optimizer, workload.batch)
        self.step = jax.jit(step, donate_argnums=0)
        predict = partial(_outputs, self.net, training=False)
        self.predict: Callable[..., Any] = jax.jit(predict)

    @property
    def parameters(self) -> int:
        return self._parameters

    def kernels(self) -> str:
        return "XLA, for the processor at hand"

    def run(self, steps: int) -> Ran:
        if not self.workload.trains:
            params, _, buffers, *_ = self.state
            for _ in range(steps):
                np.asarray(self.predict(params, buffers, self.rows)[0])
            return Ran(steps, None)
        value = 0.0
        for _ in range(steps):
            self.state, loss = self.step(self.state, self.x, self.y)
            value = float(loss)
        return Ran(steps, value)


def _start(threads: int) -> None:
    """Start XLA, whose pool has a thread for each processor that the process may use then."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(allowed)[:threads]))
    if threads == 1:
        jax.config.update("jax_cpu_enable_async_dispatch", False)  # noqa: FBT003 - its signature
    jax.jit(lambda x: x + 1)(jnp.zeros(1)).block_until_ready()
    for task in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(task.name), allowed)


def _step(
    net: list[Sized], optimizer: str | None, batch: int, state: Any, x: Any, y: Any
) -> tuple[Any, Any]:
    params, slots, buffers, t, key = state
    key, now = jax.random.split(key)
    rows = jax.random.randint(now, (batch,), 0, len(x))

    def loss_of(params: Any) -> tuple[Any, Any]:
        logits, kept = _outputs(net, params, buffers, x[rows], training=True)
        picked = jnp.take_along_axis(jax.nn.log_softmax(logits), y[rows][:, None], axis=1)
        return -jnp.mean(picked), kept

    (loss, buffers), grads = jax.value_and_grad(loss_of, has_aux=True)(params)
    t = t + 1
    if optimizer == "sgd":
        params = jax.tree.map(lambda p, g: p - LR * g, params, grads)
    else:
        m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, slots[0], grads)
        v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, slots[1], grads)
        root = jnp.sqrt(1 - BETA2**t)
        rate = LR * root / (1 - BETA1**t)
        params = jax.tree.map(
            lambda p, m, v: p - rate * m / (jnp.sqrt(v) + EPS * root), params, m, v
        )
        slots = (m, v)
    return (params, slots, buffers, t, key), loss


def _outputs(
    net: list[Sized], params: Any, buffers: Any, x: Any, *, training: bool
) -> tuple[Any, Any]:
    """Return the logits, and the running statistics."""
    kept = []
    for sized, mine, held in zip(net, params, buffers, strict=True):
        rest = held
        match sized.part.kind:
            case "dense":
                x = x @ mine["weight"] + mine.get("bias", 0.0)
            case "conv":
                x = lax.conv_general_dilated(
                    x, mine["weight"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
                )
            case "lstm":
                x = _lstm(mine, x)
            case "batch_norm":
                x, rest = _batch_norm(mine, held, x, training=training)
            case "pool":
                n, height, width, channels = x.shape
                parted = (n, height // POOL, POOL, width // POOL, POOL, channels)
                x = x.reshape(parted).max(axis=(2, 4))
            case "flatten":
                x = x.reshape(len(x), -1)
            case "relu":
                x = jax.nn.relu(x)
        kept.append(rest)
    return x, kept


def _batch_norm(mine: Any, held: Any, x: Any, *, training: bool) -> tuple[Any, Any]:
    mean, var = held["mean"], held["var"]
    if training:
        axes = tuple(range(x.ndim - 1))
        mean, var = jnp.mean(x, axes), jnp.var(x, axes)
        held = jax.tree.map(
            lambda old, new: MOMENTUM * old + (1 - MOMENTUM) * lax.stop_gradient(new),
            held,
            {"mean": mean, "var": var},
        )
    return (x - mean) * (mine["gamma"] * lax.rsqrt(var + BN_EPS)) + mine["beta"], held


def _lstm(mine: Any, x: Any) -> Any:
    driven = x.swapaxes(0, 1) @ mine["weight"] + mine["bias"]

    def cell(state: Any, z: Any) -> tuple[Any, None]:
        h, c = state
        i, f, g, o = jnp.split(z + h @ mine["recurrent"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    zeros = jnp.zeros((x.shape[0], mine["recurrent"].shape[0]))
    (h, _), _ = lax.scan(cell, (zeros, zeros), driven)
    return h


def _drawn(net: list[Sized]) -> list[dict[str, Any]]:
    """Return first values, Glorot's, of each layer."""
    rng = np.random.default_rng(0)

    def matrix(*shape: int) -> Any:
        limit = (6 / (prod(shape[:-1]) + shape[-1])) ** 0.5
        return jnp.asarray(rng.uniform(-limit, limit, shape), jnp.float32)

    params: list[dict[str, Any]] = []
    for sized in net:
        part, features = sized.part, sized.given[-1]
        mine: dict[str, Any] = {}
        match part.kind:
            case "dense" | "conv":
                mine["weight"] = matrix(
                    *(KERNEL, KERNEL) * (part.kind == "conv"), features, part.width
                )
                if part.bias:
                    mine["bias"] = jnp.zeros(part.width)
            case "lstm":
                mine["weight"] = matrix(features, 4 * part.width)
                mine["recurrent"] = matrix(part.width, 4 * part.width)
                mine["bias"] = jnp.zeros(4 * part.width)
            case "batch_norm":
                mine = {"gamma": jnp.ones(features), "beta": jnp.zeros(features)}
        params.append(mine)
    return params


def _buffers(net: list[Sized]) -> list[dict[str, Any]]:
    return [
        {"mean": jnp.zeros(sized.given[-1]), "var": jnp.ones(sized.given[-1])}
        if sized.part.kind == "batch_norm"
        else {}
        for sized in net
    ]
