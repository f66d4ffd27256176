"""A file's header as the kinds that are here would have written it: migrations, applied to a file.

Only names, shapes and plain data are looked at. The arrays are read later, if all of it fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import attrs
import numpy as np

from mlpk import catalog
from mlpk.errors import GraphError, ShapeError, listing
from mlpk.file.older.lifting import described, lifted, tensor
from mlpk.file.older.renaming import Renaming
from mlpk.migration import Form, newest
from mlpk.optimizer import Optimizer
from mlpk.stored import Stored, Tensor
from mlpk_schemas.file import Header, OptimizerState, TrainState
from mlpk_schemas.model import NodeSpec
from mlpk_schemas.records import evolved

__all__ = ["Upgraded", "state_tensors", "upgraded"]


@attrs.frozen
class Upgraded:
    """What a file holds, in the schemas that are active here.

    `made` says how arrays are made that are not tensors of the same name, `gone` names the
    tensors that are arrays no more. Where `stuck` is not "" it says why the training run cannot
    go on, and the state of it is left out.
    """

    header: Header
    made: Mapping[str, Stored]
    gone: frozenset[str]
    stuck: str = ""

    @property
    def names(self) -> set[str]:
        """Every array by name."""
        return {*(self.header.tensors.keys() - self.gone), *self.made}

    def shape_and_dtype(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return what an array is, before it is read."""
        array = self.made.get(name) or tensor(name, self.header.tensors)
        return array.shape, array.dtype


def upgraded(header: Header) -> Upgraded:
    """Return a header after the migrations of all kinds that are active here, and older there.

    Nodes with a kind that is missing stay as they are.
    """
    forms = _forms(header)
    state = header.state
    optimizer, slots = (None, {}) if state is None else _optimizer(state)
    if not any(forms) and (state is None or optimizer == state.optimizer):
        return Upgraded(header, {}, frozenset())
    changed = _with_nodes(header, forms)
    if state is None or optimizer is None:
        return changed
    return _with_state(changed, header, state, optimizer, slots)


def state_tensors(header: Header) -> set[str]:
    """Return the tensors of a training run that belong to its callbacks, its data or its history."""
    if header.state is None:
        return set()
    owners = {*header.state.fit.callbacks, "history", "running"}
    return {
        name
        for name in header.tensors
        if name.startswith("state:") and name.removeprefix("state:").partition("/")[0] in owners
    }


def _forms(header: Header) -> list[Form | None]:
    """Return the form of each node after its migrations, None where it needs none.

    Nodes that are alike and share their arrays have one form: functions that a migration makes anew
    in each call, as closures are, would not be equal.
    """
    forms = [lifted(node, header.tensors) for node in header.spec.nodes]
    first: dict[str, Form] = {}
    for place, (node, form) in enumerate(zip(header.spec.nodes, forms, strict=True)):
        if form is not None:
            alike = repr((node.id, node.schema, node.config, node.params, node.buffers))
            forms[place] = first.setdefault(alike, form)
    return forms


def _with_nodes(header: Header, forms: Sequence[Form | None]) -> Upgraded:
    """Return a header whose nodes have the forms given, as it stands where that is None."""
    renaming = Renaming()
    active = catalog.current()
    held: list[tuple[NodeSpec, Form, int]] = []
    for node, form in zip(header.spec.nodes, forms, strict=True):
        here = None if form is None else active.schema_of("layers", node.id)
        same = form or Form({**node.config}, *described(node, header.tensors))
        held.append((node, same, here or node.schema))
        renaming.add(node, same)
    nodes = tuple(renaming.node(*each) for each in held)
    spec = evolved(header.spec, nodes=nodes)
    return Upgraded(evolved(header, spec=spec), renaming.made, renaming.gone)


def _optimizer(state: TrainState) -> tuple[OptimizerState, dict[str, str]]:
    """Return an optimizer's state after its migrations, and what its slots are called in the file."""
    then = state.optimizer
    form = Form({**then.config}, slots={slot: slot for slot in then.slots})
    here = catalog.current().schema_of("optimizers", then.id)
    if here is None or here <= then.schema:
        return then, form.slots
    cls: type[Optimizer] = catalog.current().by_id("optimizers", then.id, then.schema)
    form = newest(cls, then.id, then.schema, form)
    if unknown := set(form.slots.values()) - set(then.slots):
        problem = f"the migrations of '{then.id}' take slots that it had not: {listing(unknown)}"
        raise GraphError(problem)
    now = evolved(then, schema=here, config=form.config, slots=tuple(form.slots))
    return now, form.slots


def _with_state(
    changed: Upgraded,
    header: Header,
    state: TrainState,
    optimizer: OptimizerState,
    slots: Mapping[str, str],
) -> Upgraded:
    """Return the same with the slots that go with its parameters, or why they cannot be told."""
    before = _trained(header)
    old = _slots(header, state, before)
    if stuck := _stuck(changed, state, before, state_tensors(header)):
        gone = changed.gone | old | state_tensors(header)
        left = evolved(changed.header, state=None)
        return attrs.evolve(changed, header=left, gone=gone, stuck=stuck)
    made: dict[str, Stored] = {}
    for name in _trained(changed.header):
        for slot, then in slots.items():
            array = changed.made.get(name) or tensor(name, header.tensors)
            made[f"slot:{name}/{slot}"] = array.renamed(partial(_slot_name, then))
    same = {
        name for name, array in made.items() if isinstance(array, Tensor) and array.name == name
    }
    return attrs.evolve(
        changed,
        header=evolved(changed.header, state=evolved(state, optimizer=optimizer)),
        made={**changed.made, **{n: a for n, a in made.items() if n not in same}},
        gone=changed.gone | (old - same),
    )


def _slot_name(slot: str, param: str) -> str:
    return f"slot:{param}/{slot}"


def _trained(header: Header) -> set[str]:
    return {name for node in header.spec.nodes for name in node.params.values()}


def _slots(header: Header, state: TrainState, params: Iterable[str]) -> set[str]:
    """Return the tensors of an optimizer, each of which must be shaped like its parameter."""
    found = set()
    for name in params:
        for slot in state.optimizer.slots:
            called = f"slot:{name}/{slot}"
            entry, like = header.tensors.get(called), header.tensors[name]
            if entry is None:
                raise ShapeError(f"missing are: {called}", "tensors")
            if (entry.shape, entry.dtype) != (like.shape, like.dtype):
                problem = (
                    f"wanted {like.dtype} of shape {like.shape}, found {entry.dtype} of shape "
                )
                raise ShapeError(f"{problem}{entry.shape}", f"tensors.{called}")
            found.add(called)
    return found


def _stuck(changed: Upgraded, state: TrainState, before: set[str], others: set[str]) -> str:
    """Return why the state of a run does not go with the arrays after the migrations; "" if it does."""
    if not changed.made and not changed.gone:
        return ""
    for name in sorted(_trained(changed.header)):
        array = changed.made.get(name)
        if array is None or not state.optimizer.slots:
            continue
        if not (array.moves and array.sources and before.issuperset(array.sources)):
            return (
                f"'{name}' is new since then, or computed from the arrays of that time, and nothing "
                "tells what belongs into its slots"
            )
    for name in sorted(others):
        owner = name.removeprefix("state:").partition("/")[0]
        if owner != "history":
            rest = "the batches of an unfinished epoch" if state.fit.batch else "the run"
            what = rest if owner == "running" else f"'{owner}'"
            return (
                f"{what} left arrays of its own ('{name}') beside those of the network, whose "
                "layers have changed since then, and nothing tells whether they go together"
            )
    return ""
