"""Layers that count or do what no layer may, networks of them, and gradients to compare with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import pytest

from mlpk import Buffer, Context, Declaration, Example, Layer, Model, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.passes import Pass


@define
class Scale(Layer):
    """y = w * x, with one weight; it counts how often each of its ways is gone."""

    kind: ClassVar[str] = "scale"
    calls: ClassVar[Counter[str]] = Counter()

    label: str = "scale"
    trainable: bool = True

    def declare(self, x: Any) -> Declaration:
        return Declaration(x, {"w": Param((1,), "ones", trainable=self.trainable)})

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        self.calls[f"{self.label} forward"] += 1
        return np.multiply(x, arrays["w"], out=ctx.empty("y", x.shape)), x

    def backward(
        self, arrays: Arrays, ctx: Context, x: Array, dy: Array, grads: Grads
    ) -> Array | None:
        self.calls[f"{self.label} backward"] += 1
        grads["w"][0] = np.vdot(x, dy)
        if not ctx.needs_input_grad[0]:
            return None
        self.calls[f"{self.label} dx"] += 1
        return np.multiply(dy, arrays["w"], out=ctx.empty("dx", x.shape))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,), linear=True)


@define
class Bad(Layer):
    """Does one of the things that no layer may do."""

    kind: ClassVar[str] = "bad"

    fault: str

    def declare(self, x: Any) -> Declaration:
        return Declaration(x, {"w": Param((1,), "ones")}, {"seen": Buffer((1,), 0.0)})

    def forward(self, arrays: Any, ctx: Context, x: Array) -> tuple[Array, None]:
        if self.fault == "writes its parameter":
            arrays["w"][...] = 2
        if self.fault == "forgets what is saved":
            return x  # type: ignore[return-value] # the fault
        if self.fault == "gives another shape":
            return np.zeros((len(x), 7)), None
        if self.fault == "writes its input":
            x *= 2
        if self.fault == "counts what it sees":
            arrays["seen"] += 1
        return x, None

    def backward(self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads) -> Any:
        grads["w"].fill(0)
        if self.fault == "has no gradient":
            return None
        if self.fault == "gives a row too few":
            return dy[1:]
        return (dy, dy) if self.fault == "returns two gradients" else dy

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(fault=""), (3,))


@pytest.fixture(scope="session")
def scale() -> type[Scale]:
    return Scale


@pytest.fixture(scope="session")
def bad() -> type[Bad]:
    return Bad


@pytest.fixture(scope="session")
def made() -> Callable[..., Model]:
    """Return what makes a network in float64."""

    def make(inputs: Any, outputs: Any, **options: Any) -> Model:
        return Model(inputs=inputs, outputs=outputs, dtype="float64", seed=1, **options)

    return make


@pytest.fixture(scope="session")
def spoiled() -> Callable[[Model], Pass]:
    """Return what makes a training pass whose scratch memory is NaN whenever it is handed out."""

    def make(model: Model) -> Pass:
        return Pass(model.graph, model.storage, model.seed, training=True, spoil=True)

    return make


@pytest.fixture(scope="session")
def drawn() -> Callable[..., dict[str, Array]]:
    """Return what draws inputs of a network; sizes that are open are 5."""

    def draw(model: Model, rows: int = 4, seed: int = 0) -> dict[str, Array]:
        rng = np.random.default_rng(seed)
        return {
            name: rng.standard_normal((rows, *[5 if n is None else n for n in spec.shape]))
            for name, spec in model.graph.inputs.items()
        }

    return draw


@pytest.fixture(scope="session")
def weighed() -> Callable[..., dict[str, Array]]:
    """Return what draws gradients of the outputs, the same ones each time."""

    def weigh(model: Model, outputs: Mapping[str, Array]) -> dict[str, Array]:
        rng = np.random.default_rng(9)
        return {name: rng.standard_normal(outputs[name].shape) for name in model.graph.outputs}

    return weigh


def differences(value: Callable[[], float], array: Array) -> Array:
    """Return d value / d array by central differences."""
    step, found = 1e-6, np.empty_like(array)
    for place in np.ndindex(array.shape):
        held = array[place]
        array[place] = held + step
        above = value()
        array[place] = held - step
        below = value()
        array[place] = held
        found[place] = (above - below) / (2 * step)
    return found


@pytest.fixture(scope="session")
def check_gradients(
    drawn: Callable[..., dict[str, Array]], weighed: Callable[..., dict[str, Array]]
) -> Callable[..., None]:
    """Return what compares all gradients of a pass, of parameters and inputs, with differences."""

    def check(model: Model, run: Pass, *, training: bool) -> None:
        inputs = drawn(model)

        def value() -> float:
            run.step = 0
            outputs = run.forward(inputs, training=training)
            return sum(float((outputs[name] * d).sum()) for name, d in weights.items())

        run.step = 0
        weights = weighed(model, run.forward(inputs, training=training))
        found = {name: grad.copy() for name, grad in run.backward(weights).items()}
        params = {name: grad.copy() for name, grad in model.grads.items()}
        for name, array in model.params.items():
            assert np.allclose(params[name], differences(value, array), rtol=1e-6, atol=1e-7), name
        for name, array in inputs.items():
            assert np.allclose(found[name], differences(value, array), rtol=1e-6, atol=1e-7), name

    return check
