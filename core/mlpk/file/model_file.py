"""Models as .mlpk files: from graph and arrays to header and tensors, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlpk import catalog
from mlpk.arrays import Array
from mlpk.errors import (
    ConfigError,
    FileAccessError,
    FileFormatError,
    GraphError,
    MissingPluginError,
    ShapeError,
    UnknownKindError,
    listing,
    shown,
)
from mlpk.file import layout, reader, writer
from mlpk.file.header import check_meta
from mlpk.file.refusal import escaped, refusal
from mlpk.file.source import Source
from mlpk.graph import Graph
from mlpk.kind import inner
from mlpk.opaque import Opaque
from mlpk.storage import Storage
from mlpk.version import __version__
from mlpk_schemas.fields import text
from mlpk_schemas.file import Header, PluginClaim, TensorEntry, TrainState
from mlpk_schemas.model import ModelSpec

if TYPE_CHECKING:
    from mlpk.model import Model

__all__ = [
    "arrays",
    "checked_meta",
    "checkpoint",
    "dump",
    "header",
    "load_params",
    "read",
    "save",
]

PathLikeStr = str | PathLike[str]
Run = tuple[TrainState, Mapping[str, Array]]


def save(model: Model, path: PathLikeStr, run: Run | None, *, durable: bool = True) -> str:
    """Write a model, and the state of its training run if given; return the digest."""
    mapped = model.storage.mapped_from
    if mapped is not None and Path(path).resolve() == mapped:
        problem = f"{fspath(path)}: this model's arrays are mapped from that very file; "
        raise FileAccessError(f"{problem}save it elsewhere, or load it without mmap", fspath(path))
    head, tensors = _written(model, run)
    return writer.write(fspath(path), head, tensors, durable=durable)


def dump(model: Model) -> bytes:
    """Return the bytes that `save` would write."""
    return writer.dump(*_written(model, None))


def read(
    given: PathLikeStr | bytes,
    *,
    expect: str | None = None,
    missing: Literal["error", "opaque"] = "error",
    verify: Literal["full", "header"] = "full",
    mmap: bool = False,
) -> tuple[Graph, Storage, Header]:
    """Return graph, arrays and header of a file, checked in the order that the format sets."""
    for name, value, wanted in (
        ("missing", missing, ("error", "opaque")),
        ("verify", verify, ("full", "header")),
    ):
        if value not in wanted:
            raise ConfigError(name, f"wanted one of {wanted}, found {shown(value)}")
    with _opened(given) as source:
        head = reader.read_header(source, expect=expect)
        if missing == "error":
            _refuse_missing(head)
        with refusal(source.path):
            graph = _graph(head, opaque=head.plugins if missing == "opaque" else None)
        names = [*graph.arrays("params"), *graph.arrays("buffers")]
        if mmap or not graph.is_whole:
            tensors = reader.read_arrays(source, head, names=names, verify=verify, mmap=mmap)
            storage = Storage(
                {name: tensors[name] for name in graph.arrays("params")},
                {name: tensors[name] for name in graph.arrays("buffers")},
                None,
            )
            if mmap and source.path is not None:
                storage.mapped_from = Path(source.path).resolve()
        else:
            storage = Storage.empty(graph)
            into = {**storage.params, **storage.buffers}
            reader.read_arrays(source, head, names=names, into=into, verify=verify)
        if verify == "full":
            for name in head.tensors.keys() - set(names):  # of a training run: one at a time
                reader.read_arrays(source, head, names=[name])
        return graph, storage, head


def checkpoint(path: PathLikeStr) -> tuple[Header, dict[str, Array]]:
    """Return header and all tensors of a file that a training run left, after every check."""
    _, _, head = read(path, verify="header")
    with _opened(path) as source:
        again = reader.read_header(source)
        if again != head:
            raise FileFormatError("the file changed while it was read; try again", path=source.path)
        return head, reader.read_arrays(source, head)


def header(path: PathLikeStr) -> Header:
    """Return the header of a file, verified."""
    with _opened(path) as source:
        return reader.read_header(source)


def arrays(path: PathLikeStr) -> dict[str, Array]:
    """Return every tensor of a file by name, verified."""
    with _opened(path) as source:
        return reader.read_arrays(source, reader.read_header(source))


def load_params(model: Model, path: PathLikeStr, *, strict: bool) -> list[str]:
    """Copy parameters and buffers from a file into a model; return the names taken."""
    if model.storage.mapped_from is not None:
        problem = f"its arrays are mapped from {model.storage.mapped_from}, and cannot be written"
        raise ConfigError("model", f"{problem}; load it without mmap")
    with _opened(path) as source:
        head = reader.read_header(source)
        theirs = {name for name in head.tensors if not name.startswith(("slot:", "state:"))}
        mine = {**model.params, **model.buffers}
        if strict and theirs != mine.keys():
            absent, extra = mine.keys() - theirs, theirs - mine.keys()
            raise ShapeError(
                f"wanted exactly this model's arrays; missing are: {listing(absent)}; "
                f"unknown are: {listing(extra)}. strict=False takes those that both have",
                fspath(path),
            )
        names = [name for name in mine if name in theirs]
        for name in names:
            entry, where = head.tensors[name], f"{fspath(path)}, '{name}'"
            if entry.shape != mine[name].shape:
                raise ShapeError(f"wanted shape {mine[name].shape}, found {entry.shape}", where)
            if not np.can_cast(layout.DTYPES[entry.dtype], mine[name].dtype, "same_kind"):
                raise ShapeError(f"wanted dtype {mine[name].dtype}, found {entry.dtype}", where)
        for name, array in reader.read_arrays(source, head, names=names).items():
            mine[name][...] = array
    return names


def checked_meta(meta: Mapping[str, str]) -> dict[str, str]:
    """Return the user's texts, or refuse what a file could not hold, at once."""
    if not isinstance(meta, Mapping):
        raise ConfigError("meta", f"wanted a mapping of texts, found {shown(meta)}")
    for key, value in meta.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise ConfigError(f"meta[{key!r}]", f"wanted text, found {shown(value)}")
    texts = {text(key, "meta"): text(value, f"meta.{key}") for key, value in meta.items()}
    check_meta(texts)
    return texts


def _opened(given: PathLikeStr | bytes) -> Source:
    return Source.of(given) if isinstance(given, bytes) else Source.open(fspath(given))


def _written(model: Model, run: Run | None) -> tuple[dict[str, Any], dict[str, Array]]:
    state, more = run if run is not None else (None, {})
    spec = model.spec
    head = {
        "critical": (),
        "ext": {},
        "generator": f"mlpk {__version__}",
        "meta": model.meta,
        "plugins": _claims(model, spec, state),
        "spec": spec,
        "state": state,
    }
    return head, {**model.params, **model.buffers, **more}


def _claims(model: Model, spec: ModelSpec, state: TrainState | None) -> tuple[PluginClaim, ...]:
    """Return what the file shall say about each third-party distribution that it needs."""
    kept: dict[str, tuple[str, str]] = {}
    for node in model.graph.nodes.values():
        if isinstance(node.layer, Opaque):
            kept |= node.layer.claimed()
    found: dict[tuple[str, str], set[str]] = {}
    for _, identity in _kinds(spec, state):
        owner = catalog.current().owner(identity)
        if identity in kept:
            found.setdefault(kept[identity], set()).add(identity)
        elif owner is not None:
            found.setdefault((owner.dist, owner.version), set()).add(identity)
    return tuple(
        PluginClaim(dist=dist, version=version, ids=tuple(sorted(ids)))
        for (dist, version), ids in sorted(found.items())
    )


def _kinds(spec: ModelSpec, state: TrainState | None) -> Iterator[tuple[str | None, str]]:
    """Yield (family, id) of every kind that a file names; the family of inner ones is None."""
    trees: list[Any] = [node.config for node in spec.nodes]
    for node in spec.nodes:
        yield "layers", node.id
    if state is not None:
        yield "optimizers", state.optimizer.id
        trees += [state.optimizer.config, state.fit.options]
        for loss in state.loss.values():
            yield "losses", loss.id
            trees.append(loss.config)
    for identity in inner(trees):
        yield None, identity


def _refuse_missing(head: Header) -> None:
    """Refuse a file whose kinds are not all active, naming all that are missing at once."""
    claims = {
        identity: (claim.dist, claim.version) for claim in head.plugins for identity in claim.ids
    }
    active = catalog.current()
    missing = {
        identity: claims.get(identity, ("", ""))
        for family, identity in _kinds(head.spec, head.state)
        if not active.has(family, identity)
    }
    if missing:
        raise MissingPluginError([(identity, *claim) for identity, claim in missing.items()])


def _graph(head: Header, *, opaque: Sequence[PluginClaim] | None) -> Graph:
    """Return the graph of a file's spec, for which the file holds exactly the tensors it declares."""
    try:
        graph = Graph.of_spec(head.spec, opaque=opaque)
        _match(graph, head)
    except (GraphError, ShapeError, UnknownKindError) as error:
        raise FileFormatError(escaped(str(error), 320)) from error
    return graph


def _match(graph: Graph, head: Header) -> None:
    """Require the tensors to be exactly the arrays that the spec declares, in shape and dtype."""
    wanted: dict[str, tuple[tuple[int, ...], str] | None] = {}
    for node in graph.nodes.values():
        for name in (*node.params.values(), *node.buffers.values()):
            wanted.setdefault(name, None)
    for name, param in graph.params.items():
        wanted[name] = (param.shape, graph.dtype)
    for name, buffer in graph.buffers.items():
        wanted[name] = (buffer.shape, buffer.dtype or graph.dtype)
    extra = set(head.tensors) - wanted.keys()
    if head.state is not None:
        for slot in head.state.optimizer.slots:
            wanted |= {f"slot:{name}/{slot}": wanted[name] for name in graph.arrays("params")}
        owners = {*head.state.fit.callbacks, "history", "running"}
        states = {name for name in extra if name.startswith("state:")}
        wanted |= dict.fromkeys(
            name for name in states if name.removeprefix("state:").partition("/")[0] in owners
        )
    if wanted.keys() != head.tensors.keys():
        raise ShapeError(
            f"wanted exactly the tensors that the network declares; missing are: "
            f"{listing(wanted.keys() - head.tensors.keys())}; "
            f"unknown are: {listing(head.tensors.keys() - wanted.keys())}",
            "tensors",
        )
    for name, entry in head.tensors.items():
        _match_one(name, entry, wanted[name])


def _match_one(name: str, entry: TensorEntry, wanted: tuple[tuple[int, ...], str] | None) -> None:
    if wanted is None:
        return
    shape, dtype = wanted
    if entry.shape != shape or layout.DTYPES[entry.dtype] != np.dtype(dtype):
        raise ShapeError(
            f"wanted {dtype} of shape {shape}, found {entry.dtype} of shape {entry.shape}",
            f"tensors.{name}",
        )
