"""Training that goes on exactly: stopped, written to a file and resumed, as if never stopped."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpk.arrays import Array
from mlpk.example import Example
from mlpk.hookspecs import hookimpl
from mlpk.model import Model
from mlpk.optimizer import Optimizer
from mlpk.saved import load
from mlpk.schedule import Schedule
from mlpk.testing.bench import Bench
from mlpk_schemas.records import values

if TYPE_CHECKING:
    from mlpk.training import Fit

__all__ = [
    "goes_on_with",
    "layer_goes_on_exactly",
    "optimizer_goes_on_exactly",
    "schedule_goes_on_exactly",
]

EPOCHS = 2


def layer_goes_on_exactly(example: Example) -> None:
    """A network that was trained, saved, loaded and trained on is one trained in one go."""
    rows = max(3, Bench(example).min_rows)
    drawn = example.inputs(np.random.default_rng(0), 4 * rows)
    x = {f"x{place}": np.asarray(array) for place, array in enumerate(drawn)}

    def make() -> Model:
        return Bench(example, "float32", rows=rows).model

    _assert_goes_on(make, lambda: Optimizer.of("adam"), x, rows, stops=(5,))


def optimizer_goes_on_exactly(example: Example) -> None:
    """A run that was stopped and goes on with the slots from its file is one in one go."""
    assert isinstance(example.instance, Optimizer)
    optimizer = example.instance
    _assert_net_goes_on(lambda: type(optimizer)(**values(optimizer)))


def schedule_goes_on_exactly(example: Example) -> None:
    """A run that was stopped and goes on with the schedule made from its fields is one in one go."""
    assert isinstance(example.instance, Schedule)
    schedule = example.instance

    def make() -> Optimizer:
        return Optimizer.of({"kind": "adam", "lr": type(schedule)(**values(schedule))})

    _assert_net_goes_on(make)


def goes_on_with(callback: Callable[[], Any]) -> None:
    """Assert the same of a network that is trained with a callback, made anew for each run."""
    _assert_net_goes_on(lambda: Optimizer.of("adam"), callback)


class _StoppedError(Exception):
    """Ends a run, as whatever ends a process would."""


class _Stop:
    """Writes the run down after a step, and ends it."""

    def __init__(self, step: int, path: Path) -> None:
        self.step = step
        self.path = path

    @hookimpl
    def mlpk_batch_end(self, fit: Fit) -> None:
        if fit.step == self.step:
            fit.save(self.path, durable=False)
            raise _StoppedError


def _assert_net_goes_on(
    optimizer: Callable[[], Optimizer], callback: Callable[[], Any] | None = None
) -> None:
    x = {"input": np.random.default_rng(0).standard_normal((54, 2))}

    def make() -> Model:
        layers = [{"kind": "dense", "units": 4}, "tanh", {"kind": "dense", "units": 3}]
        return Model(layers, input_shape=(2,), seed=0)

    # Long enough for what core does with the slots every so many updates.
    _assert_goes_on(make, optimizer, x, 3, stops=(3, 33), callback=callback)


def _assert_goes_on(
    make: Callable[[], Model],
    optimizer: Callable[[], Optimizer],
    x: dict[str, Array],
    batch_size: int,
    *,
    stops: tuple[int, ...],
    callback: Callable[[], Any] | None = None,
) -> None:
    """Compare runs that were stopped after some step, and went on, with one that was not."""
    targets = _targets(make(), x)

    def run(model: Model, *watching: Any, **more: Any) -> dict[str, Array]:
        own = [] if callback is None else [callback()]
        attached = optimizer().attach(model)
        history = model.fit(
            x, targets, loss=dict.fromkeys(targets, "mean_squared_error"), optimizer=attached,
            epochs=EPOCHS, batch_size=batch_size, seed=1, progress=False,
            callbacks=[*own, *watching], **more,
        )  # fmt: skip
        found = {**model.params, **model.buffers}
        found |= {f"the slot {name}": arena.flat for name, arena in attached.slots.items()}
        return found | {f"the history of {n}": np.array(c) for n, c in history.metrics.items()}

    straight = run(make())
    for step in stops:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "run.mlpk"
            with suppress(_StoppedError):
                run(make(), _Stop(step, path))
            found = run(load(path), checkpoint=path, resume=True)
        for name, array in found.items():
            assert array.tobytes() == straight[name].tobytes(), (
                f"{name} ends otherwise where training was stopped after step {step} and went on "
                "from a file: state is kept outside parameters, buffers and slots"
            )


def _targets(model: Model, x: dict[str, Array]) -> dict[str, Array]:
    """Return something to train towards, for each output."""
    outputs = model.predict(x)
    named = outputs if isinstance(outputs, dict) else {model.graph.outputs[0]: outputs}
    rng = np.random.default_rng(2)
    return {name: rng.standard_normal(output.shape) for name, output in named.items()}
