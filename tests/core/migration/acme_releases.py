"""A third party's plugin in two releases: what it brought at first, and what became of it.

`gated` renamed its field and its array, and split the array later; `summed` has one bias where it
had two; `twice` holds another layer twice. Of the others each renamed a field, and the optimizer a
slot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from mlpk import (
    Buffer,
    Context,
    Declaration,
    Example,
    Initializer,
    Layer,
    Loss,
    Optimizer,
    Param,
    Regularizer,
    Schedule,
    define,
)
from mlpk.arrays import Array, Arrays, Grads
from mlpk.migration import Form, Migration, computed
from mlpk.optimizer import Step

__all__ = ["FIRST", "LATER"]


class Matrix(Layer):
    """y = x M + c; each release makes M and c of arrays of its own."""

    def matrix(self, arrays: Arrays) -> tuple[Array, Array | float]:
        raise NotImplementedError

    def spread(self, slope: Array, total: Array, grads: Grads) -> None:
        raise NotImplementedError

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Any]:
        matrix, bias = self.matrix(arrays)
        if ctx.training and "seen" in arrays:
            arrays["seen"][...] += 1
        y = np.matmul(x, matrix, out=ctx.empty("y", (len(x), matrix.shape[1])))
        return np.add(y, bias, out=y), (x, matrix)

    def backward(self, arrays: Arrays, ctx: Context, saved: Any, dy: Array, grads: Grads) -> Array:
        x, matrix = saved
        self.spread(x.T @ dy, dy.sum(0), grads)
        return np.matmul(dy, matrix.T, out=ctx.empty("dx", x.shape))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield from ()


@define
class OldGated(Matrix):
    """Value and gate lie side by side in one array; y = x [value, gate]."""

    kind: ClassVar[str] = "gated"

    width: int
    init: Initializer | str = "ones"

    def declare(self, x: Any) -> Declaration:
        params = {"w": Param((x[-1], 2 * self.width), self.init)}
        return Declaration((2 * self.width,), params, {"seen": Buffer((), 0, "int64")})

    def matrix(self, arrays: Arrays) -> tuple[Array, Array | float]:
        return arrays["w"], 0.0

    def spread(self, slope: Array, total: Array, grads: Grads) -> None:
        grads["w"][...] = slope


def gated_names(old: Form) -> Form:
    """Schema 2 has the names that others use."""
    old.config["units"] = old.config.pop("width")
    old.params["weight"] = old.params.pop("w")
    return old


def gated_split(old: Form) -> Form:
    """Schema 3 has an array for each half."""
    old.params["value"], old.params["gate"] = old.params.pop("weight").split(2)
    return old


@define
class Gated(Matrix):
    """Value and gate are arrays of their own."""

    kind: ClassVar[str] = "gated"
    schema: ClassVar[int] = 3
    migrations: ClassVar[Mapping[int, Migration]] = {1: gated_names, 2: gated_split}

    units: int
    init: Initializer | str = "ones"

    def declare(self, x: Any) -> Declaration:
        half = Param((x[-1], self.units), self.init)
        params = {"value": half, "gate": half}
        return Declaration((2 * self.units,), params, {"seen": Buffer((), 0, "int64")})

    def matrix(self, arrays: Arrays) -> tuple[Array, Array | float]:
        return np.concatenate([arrays["value"], arrays["gate"]], 1), 0.0

    def spread(self, slope: Array, total: Array, grads: Grads) -> None:
        grads["value"][...], grads["gate"][...] = np.split(slope, 2, 1)


@define
class OldSummed(Matrix):
    """y = x weight + b_in + b_out."""

    kind: ClassVar[str] = "summed"

    def declare(self, x: Any) -> Declaration:
        bias = Param((x[-1],), "ones")
        return Declaration(x, {"weight": Param((x[-1],) * 2, "ones"), "b_in": bias, "b_out": bias})

    def matrix(self, arrays: Arrays) -> tuple[Array, Array | float]:
        return arrays["weight"], arrays["b_in"] + arrays["b_out"]

    def spread(self, slope: Array, total: Array, grads: Grads) -> None:
        grads["weight"][...] = slope
        grads["b_in"][...] = grads["b_out"][...] = total


def summed_bias(old: Form) -> Form:
    """Schema 2 has one bias, the sum of the two."""
    old.params["bias"] = computed(np.add, old.params.pop("b_in"), old.params.pop("b_out"))
    return old


@define
class Summed(Matrix):
    """y = x weight + bias."""

    kind: ClassVar[str] = "summed"
    schema: ClassVar[int] = 2
    migrations: ClassVar[Mapping[int, Migration]] = {1: summed_bias}

    def declare(self, x: Any) -> Declaration:
        return Declaration(
            x, {"weight": Param((x[-1],) * 2, "ones"), "bias": Param((x[-1],), "ones")}
        )

    def matrix(self, arrays: Arrays) -> tuple[Array, Array | float]:
        return arrays["weight"], arrays["bias"]

    def spread(self, slope: Array, total: Array, grads: Grads) -> None:
        grads["weight"][...], grads["bias"][...] = slope, total


@define
class Twice(Matrix):
    """y = f(x) + g(x), two copies of a layer; it stays as it is."""

    kind: ClassVar[str] = "twice"
    wraps: ClassVar[Mapping[str, tuple[str, ...]]] = {"layer": ("f_", "g_")}

    layer: Layer

    def declare(self, x: Any) -> Declaration:
        inner = self.layer.declare(x)
        params = {start + name: p for start in ("f_", "g_") for name, p in inner.params.items()}
        buffers = {start + name: b for start in ("f_", "g_") for name, b in inner.buffers.items()}
        return Declaration(inner.output, params, buffers)

    def matrix(self, arrays: Arrays) -> tuple[Array, Array | float]:
        assert isinstance(self.layer, Matrix)
        f, g = (
            self.layer.matrix({name[2:]: a for name, a in arrays.items() if name[:2] == start})
            for start in ("f_", "g_")
        )
        return f[0] + g[0], f[1] + g[1]


@define
class OldHalf(Initializer):
    """Every value is one number."""

    kind: ClassVar[str] = "half"

    number: float = 0.5

    def draw(self, rng: Any, shape: tuple[int, ...], fans: tuple[int, int]) -> Array:
        return np.full(shape, self.number) + rng.random(shape)


def half_names(old: Form) -> Form:
    """Schema 2 calls the number a value."""
    return Form({"value": old.config["number"]})


@define
class Half(Initializer):
    """Every value is one number, under another name."""

    kind: ClassVar[str] = "half"
    schema: ClassVar[int] = 2
    migrations: ClassVar[Mapping[int, Migration]] = {1: half_names}

    value: float = 0.5

    def draw(self, rng: Any, shape: tuple[int, ...], fans: tuple[int, int]) -> Array:
        return np.full(shape, self.value) + rng.random(shape)


@define
class OldRamp(Schedule):
    """lr / (1 + t / over)."""

    kind: ClassVar[str] = "ramp"

    over: int = 10

    def at(self, t: int) -> float:
        return 0.1 / (1 + t / self.over)


@define
class Ramp(Schedule):
    """lr / (1 + t / steps)."""

    kind: ClassVar[str] = "ramp"
    schema: ClassVar[int] = 2
    migrations: ClassVar[Mapping[int, Migration]] = {
        1: lambda old: Form({"steps": old.config["over"]})
    }

    steps: int = 10

    def at(self, t: int) -> float:
        return 0.1 / (1 + t / self.steps)


@define
class OldRoll(Optimizer):
    """v = beta v + g; p -= lr v."""

    kind: ClassVar[str] = "roll"
    slots: ClassVar[tuple[str, ...]] = ("speed",)

    beta: float = 0.5

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        slots["speed"][...] = slots["speed"] * np.float32(self.beta) + grad
        param -= slots["speed"] * np.float32(step.lr)


def roll_names(old: Form) -> Form:
    """Schema 2 calls the field rho and the slot v."""
    old.config["rho"] = old.config.pop("beta")
    old.slots["v"] = old.slots.pop("speed")
    return old


@define
class Roll(Optimizer):
    """v = rho v + g; p -= lr v."""

    kind: ClassVar[str] = "roll"
    schema: ClassVar[int] = 2
    migrations: ClassVar[Mapping[int, Migration]] = {1: roll_names}
    slots: ClassVar[tuple[str, ...]] = ("v",)

    rho: float = 0.5

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        slots["v"][...] = slots["v"] * np.float32(self.rho) + grad
        param -= slots["v"] * np.float32(step.lr)


class Quartic(Loss):
    """scale * mean(error**2)."""

    def scale(self) -> float:
        raise NotImplementedError

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, Any]:
        error = prediction - target
        return self.scale() * float(np.mean(error**2)), error

    def backward(self, ctx: Context, saved: Array) -> Array:
        return saved * np.float32(2 * self.scale() / saved.size)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield from ()


@define
class OldSquare(Quartic):
    """The field is called times."""

    kind: ClassVar[str] = "square"

    times: float = 1.0

    def scale(self) -> float:
        return self.times


@define
class Square(Quartic):
    """The field is called factor."""

    kind: ClassVar[str] = "square"
    schema: ClassVar[int] = 2
    migrations: ClassVar[Mapping[int, Migration]] = {
        1: lambda old: Form({"factor": old.config["times"]})
    }

    factor: float = 1.0

    def scale(self) -> float:
        return self.factor


class Sum(Regularizer):
    """strength * sum(p)."""

    def strength(self) -> float:
        raise NotImplementedError

    def penalty(self, param: Array) -> float:
        return self.strength() * float(param.sum())

    def add_gradient(self, param: Array, grad: Array) -> None:
        grad += np.float32(self.strength())


@define
class OldPull(Sum):
    """The field is called by."""

    kind: ClassVar[str] = "pull"

    by: float = 0.01

    def strength(self) -> float:
        return self.by


@define
class Pull(Sum):
    """The field is called much."""

    kind: ClassVar[str] = "pull"
    schema: ClassVar[int] = 2
    migrations: ClassVar[Mapping[int, Migration]] = {
        1: lambda old: Form({"much": old.config["by"]})
    }

    much: float = 0.01

    def strength(self) -> float:
        return self.much


FIRST = (OldGated, OldSummed, Twice, OldHalf, OldRamp, OldRoll, OldSquare, OldPull)
LATER = (Gated, Summed, Twice, Half, Ramp, Roll, Square, Pull)
