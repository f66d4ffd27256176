"""One optimizer at work on one model: its slots, and the flat vectors it walks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from math import inf
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from mlpk import catalog
from mlpk.alarms import muted
from mlpk.arrays import LINE, Arena, Array
from mlpk.choice import by, method
from mlpk.context import Context
from mlpk.errors import ConfigError, MlpkError, PluginError, nearest, shown, told
from mlpk.norm import norm
from mlpk.optimizer import Optimizer, Step
from mlpk.workers import share, single

if TYPE_CHECKING:
    from mlpk.model import Model
    from mlpk.record import Brought

__all__ = ["Updater"]

# Elements of a block: parameter, gradient, slots and scratch of it stay in a core's cache, and are
# so many that what a call of NumPy costs in itself is little beside them.
BLOCK = 65_536
# Blocks of full length that a thread is woken for at least.
FEW = 8
# Elements in a line of the cache, in float32.
PER_LINE = LINE // 4
# Every so many updates, slots next to denormal numbers are set to zero.
FLUSH_EVERY = 32


@attrs.frozen(eq=False)
class Block:
    """A stretch of the flat vectors in which decay and learning-rate factor are the same."""

    param: Array
    grad: Array
    slots: Mapping[str, Array]
    decays: bool
    factor: float


class Updater:
    """An optimizer attached to a model. `step()` applies the model's gradients once.

    `t` counts the updates made. `slots[name]` is an arena laid out like the parameters.
    """

    def __init__(self, optimizer: Optimizer, model: Model) -> None:
        storage = model.trainable_storage()
        self.optimizer = optimizer
        self.model = model
        self.t = 0
        self.params: Arena = storage.arena  # type: ignore[assignment] # trainable_storage saw to it
        self.grads: Arena = storage.grads  # type: ignore[assignment] # likewise
        self.slots = {name: self.params.like() for name in optimizer.slots}
        self._memory = Context(self.params.flat.dtype)
        self._step = Step(0, self._memory)
        self._choose()
        self._tiny = np.finfo(self.params.flat.dtype).tiny / np.finfo(self.params.flat.dtype).eps
        self.configure()

    def configure(
        self, *, frozen: Collection[str] = (), lr_factors: Mapping[str, float] | None = None
    ) -> None:
        """Leave the parameters of `frozen` nodes alone, and multiply the rate at others."""
        factors = _by_array(self.model, frozen, lr_factors or {})
        graph = self.model.graph
        if not factors and (frozen or lr_factors):
            role = "frozen" if frozen else "lr_factors"
            raise ConfigError(role, "wanted some parameters left to train, found them all at rest")
        groups: dict[tuple[bool, float], list[str]] = {}
        for name, factor in factors.items():
            decays = self.optimizer.decays and graph.params[name].decay
            groups.setdefault((decays, factor), []).append(name)
        self._take(groups)

    def step(self, lr_factor: float = 1.0) -> None:
        """Clip the gradients if asked to, and update the parameters."""
        with muted():
            self.advance(lr_factor)

    def advance(self, lr_factor: float) -> None:
        """Do what `step` does for those who have muted arithmetic already."""
        if self._chosen_in is not catalog.in_force:
            self._choose()
            self._cut()
        self._clip()
        # A float of Python's own: a NumPy scalar would lift float32 to float64.
        rate = float(self.optimizer.rate(self.t)) * lr_factor
        self.t += 1
        blocks = self._blocks
        if not self._large or not single():  # threads of BLAS would keep the cores busy
            self._step.t = self.t
            self._walk(blocks, self._step, rate)
            return

        def stretch(memory: Context, part: slice) -> None:
            self._walk(blocks[part], Step(self.t, memory), rate)

        share(self._memory, len(blocks), FEW, stretch)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy with the model: what it walks is memory of that."""
        slots = {name: arena.flat for name, arena in self.slots.items()}
        return _again, (self.optimizer, self.model, self.t, slots, self._groups)

    def _walk(self, blocks: list[Block], step: Step, rate: float) -> None:
        """Update some blocks."""
        flush = self.t % FLUSH_EVERY == 0
        for block in blocks:
            step.lr = rate * block.factor
            step.decays = block.decays
            self._update(block.param, block.grad, block.slots, step)
            if flush:
                self._flush(block, step)

    def _take(self, groups: dict[tuple[bool, float], list[str]]) -> None:
        """Walk the parameters of these groups, of which each has its decay and factor."""
        self.runs = self.params.runs(name for names in groups.values() for name in names)
        self._groups = groups
        self._cut()

    def _choose(self) -> None:
        """Find out what computes the update, anew where another catalog is in force."""
        active = catalog.current()
        found = active.choice.of(self.optimizer, (), self.params.flat.dtype)
        update = method(self.optimizer, found, "update")
        self._update = update if found is None else _naming(update, self.optimizer.kind, found)
        # A function that goes once over memory needs no pieces that stay in cache.
        self._longest = BLOCK if found is None else max(self.params.flat.size, 1)
        self._chosen_in = active

    def _cut(self) -> None:
        self._blocks = [
            self._block(start, stop, shape, decays, factor)
            for (decays, factor), names in self._groups.items()
            for start, stop, shape in self._pieces(names)
        ]
        self._large = sum(block.param.size for block in self._blocks) >= 2 * FEW * BLOCK

    def _pieces(self, names: list[str]) -> list[tuple[int, int, tuple[int, ...]]]:
        """Return (start, stop, shape) of what one call of `update` gets."""
        if not self.optimizer.elementwise:
            return [(*self.params.spans[name], self.params.views[name].shape) for name in names]
        return [
            (start + at, start + end, (end - at,))
            for start, stop in self.params.runs(names)
            for at, end in _pieces(stop - start, self._longest)
        ]

    def _block(
        self, start: int, stop: int, shape: tuple[int, ...], decays: bool, factor: float
    ) -> Block:
        def cut(arena: Arena) -> Array:
            return arena.flat[start:stop].reshape(shape)

        slots = {name: cut(arena) for name, arena in self.slots.items()}
        return Block(cut(self.params), cut(self.grads), slots, decays, factor)

    def _clip(self) -> None:
        optimizer = self.optimizer
        if optimizer.clip_value is None and optimizer.clip_norm is None:
            return
        grads = [self.grads.flat[start:stop] for start, stop in self.runs]
        if optimizer.clip_value is not None:
            for grad in grads:
                np.clip(grad, -optimizer.clip_value, optimizer.clip_value, out=grad)
        if optimizer.clip_norm is not None:
            length = norm(*grads)
            if length > optimizer.clip_norm:
                for grad in grads:
                    np.multiply(grad, optimizer.clip_norm / length, out=grad)

    def _flush(self, block: Block, step: Step) -> None:
        """Set slots to zero that decay towards denormal numbers, where arithmetic is far slower."""
        for slot in block.slots.values():
            flat = slot.reshape(-1)
            for at, end in _pieces(flat.size, BLOCK):
                piece = flat[at:end]
                size = np.abs(piece, out=step.scratch("flush", piece))
                np.copyto(piece, 0, where=size < self._tiny)


def _again(
    optimizer: Optimizer,
    model: Model,
    t: int,
    slots: Mapping[str, Array],
    groups: dict[tuple[bool, float], list[str]],
) -> Updater:
    """Return an updater as another was when it was pickled."""
    made = Updater(optimizer, model)
    made.t = t
    for name, flat in slots.items():
        made.slots[name].flat[:] = flat
    made._take(groups)  # noqa: SLF001 - of this module's own class
    return made


def _pieces(size: int, longest: int) -> list[tuple[int, int]]:
    """Return (start, stop) of as few pieces as can be, all of nearly the same length.

    They start at whole lines of the cache where what they are cut from does.
    """
    count = -(-size // longest)
    length = -(-size // (count * PER_LINE)) * PER_LINE if count else longest
    return [(at, min(at + length, size)) for at in range(0, size, length)]


def _naming(update: Callable[..., None], kind: str, found: Brought) -> Callable[..., None]:
    """Return an update whose accidents are told with the distribution that it comes from."""

    def told_by_name(*given: Any) -> None:
        try:
            update(*given)
        except (MlpkError, MemoryError):
            raise
        except Exception as error:
            problem = f"the optimizer ({kind}{by(found)}): {told(error)}"
            raise PluginError(problem, found.dist) from error

    return told_by_name


def _by_array(
    model: Model, frozen: Collection[str], lr_factors: Mapping[str, float]
) -> dict[str, float]:
    """Return the learning-rate factor of each array that is trained."""
    _check_names(model, frozen, lr_factors)
    graph = model.graph
    factors: dict[str, float] = {}
    for node in graph.nodes.values():
        for name in node.params.values():
            factor = 0.0 if node.name in frozen else float(lr_factors.get(node.name, 1.0))
            if not graph.params[name].trainable:
                factor = 0.0
            if factors.setdefault(name, factor) != factor:
                raise ConfigError(
                    "lr_factors" if lr_factors else "frozen",
                    f"'{name}' is shared, and its nodes ask for different learning rates",
                )
    return {name: factor for name, factor in factors.items() if factor}


def _check_names(model: Model, frozen: Collection[str], lr_factors: Mapping[str, float]) -> None:
    """Refuse names that are no nodes, and factors that are no numbers from 0."""
    nodes = model.graph.nodes
    if isinstance(frozen, str) or not isinstance(frozen, Collection):
        raise ConfigError("frozen", f"wanted a list of node names, found {shown(frozen)}")
    if not isinstance(lr_factors, Mapping):
        raise ConfigError("lr_factors", f"wanted numbers by node, found {shown(lr_factors)}")
    for role, names in (("frozen", frozen), ("lr_factors", lr_factors)):
        for name in names:
            if name not in nodes:
                problem = f"there is no node '{name}'.{nearest(str(name), nodes)}"
                raise ConfigError(role, problem)
    for name, factor in lr_factors.items():
        if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 <= factor < inf:
            raise ConfigError(
                f"lr_factors['{name}']", f"wanted a number >= 0, found {shown(factor)}"
            )
