"""Models as .mlpk files: from graph and arrays to header and tensors, and back."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np

from mlpk import catalog
from mlpk.arrays import Array
from mlpk.errors import (
    ConfigError,
    DataError,
    FileAccessError,
    ShapeError,
    listing,
    shown,
)
from mlpk.file import layout, reader, writer
from mlpk.file.header import check_meta
from mlpk.file.kept import Kept, digest_of
from mlpk.file.matching import understood
from mlpk.file.needs import refuse_missing, used
from mlpk.file.older.current import current
from mlpk.file.older.filling import Filling
from mlpk.file.older.upgraded import Upgraded
from mlpk.file.pause import uncollected
from mlpk.file.portability import warn_of_local
from mlpk.file.refusal import refusal
from mlpk.file.source import Source, path_text
from mlpk.graph import Graph
from mlpk.inputs import check_flag
from mlpk.opaque import Opaque
from mlpk.storage import Storage
from mlpk.version import __version__
from mlpk_schemas.checks import text
from mlpk_schemas.file import Header, PluginClaim, TrainState
from mlpk_schemas.model import ModelSpec
from mlpk_schemas.records import evolved

if TYPE_CHECKING:
    from mlpk.model import Model

__all__ = [
    "Opened",
    "arrays",
    "check",
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
    name, mapped = path_text(path), model.storage.mapped_from
    check_flag("durable", durable)
    if mapped is not None and Path(name).resolve() == mapped:
        problem = f"{name}: this model's arrays are mapped from that very file; save it elsewhere"
        raise FileAccessError(f"{problem}, or load it without mmap", name)
    head, tensors = _written(model, run)
    warn_of_local(head, stacklevel=3)
    return writer.write(name, head, tensors, durable=durable)


def check(model: Model, run: Run | None) -> None:
    """Refuse what `save` would refuse to write, at once and without writing."""
    writer.check(*_written(model, run))


def dump(model: Model, *, warn: bool = False) -> bytes:
    """Return the bytes that `save` would write; a copy that stays in the program needs no warning."""
    head, tensors = _written(model, None)
    if warn:
        warn_of_local(head, stacklevel=3)
    return writer.dump(head, tensors)


@attrs.frozen(eq=False)
class Opened:
    """What a file holds: graph and arrays, its header, and, if asked to keep it, the rest."""

    graph: Graph
    storage: Storage
    header: Header
    kept: Kept | None


def read(
    given: PathLikeStr | bytes,
    *,
    expect: str | None = None,
    missing: Literal["error", "opaque"] = "error",
    verify: Literal["full", "header"] = "full",
    mmap: bool = False,
) -> Opened:
    """Return what a file or its bytes hold, in the schemas of today, checked in the format's order."""
    for name, value, wanted in (
        ("missing", missing, ("error", "opaque")),
        ("verify", verify, ("full", "header")),
    ):
        if value not in wanted:
            raise ConfigError(name, f"wanted one of {wanted}, found {shown(value)}")
    check_flag("mmap", mmap)
    with Source.of(given) if isinstance(given, bytes) else Source.open(given) as source:
        with uncollected():
            head, file, graph = _described(source, expect, opaque=missing == "opaque")
        filling = Filling(source, head, file, verify, mmap=mmap)
        names = [*graph.arrays("params"), *graph.arrays("buffers")]
        if mmap or not graph.is_whole:
            held = filling.arrays(names)
            storage = Storage(
                {name: held[name] for name in graph.arrays("params")},
                {name: held[name] for name in graph.arrays("buffers")},
                None,
            )
            if mmap and source.path is not None:
                storage.mapped_from = Path(source.path).resolve()
        else:
            storage = Storage.empty(graph)
            filling.arrays(names, {**storage.params, **storage.buffers})
        kept = None
        if missing == "opaque":
            rest = filling.arrays(file.names - set(names))
            digest = digest_of(storage) if file.header.state is not None else b""
            kept = Kept(file.header.state, rest, digest, head.plugins, head.ext)
        filling.verify_rest()
        return Opened(graph, storage, file.header, kept)


def _described(
    source: Source, expect: str | None, *, opaque: bool
) -> tuple[Header, Upgraded, Graph]:
    """Return a file's header, as it stands there and in the schemas of today, and its graph."""
    head = reader.read_header(source, expect=expect)
    if not opaque:
        refuse_missing(head, source.path)
    with refusal(source.path):
        return head, *understood(head, opaque=opaque)


def checkpoint(path: PathLikeStr) -> tuple[Header, dict[str, Array]]:
    """Return header and all arrays of a file that a training run left, after every check.

    Both are in the schemas of today: every kind in the header is written as it would be now.
    """
    with Source.open(path) as source:
        with uncollected():
            head, file, graph = _described(source, None, opaque=False)
        if file.stuck:
            problem = f"the run in {source.path} cannot go on: {file.stuck}; start anew from its"
            raise ConfigError("resume", f"{problem} parameters (load_params)")
        with refusal(source.path):
            header = current(file.header, graph.spec())
        filling = Filling(source, head, file, "full")
        found = filling.arrays(file.names)
        filling.verify_rest()
        return header, found


def header(path: PathLikeStr) -> Header:
    """Return the header of a file, verified, as it stands there."""
    with Source.open(path) as source:
        return reader.read_header(source)


def arrays(path: PathLikeStr) -> dict[str, Array]:
    """Return every tensor of a file by name, verified, as it stands there."""
    with Source.open(path) as source:
        return reader.read_arrays(source, reader.read_header(source))


def load_params(model: Model, path: PathLikeStr, *, strict: bool) -> list[str]:
    """Copy parameters and buffers from a file into a model; return the names taken.

    The file's own network is checked first, as `read` does it; kinds that are not here stay opaque.
    """
    name = path_text(path)
    check_flag("strict", strict)
    if model.storage.mapped_from is not None:
        problem = f"its arrays are mapped from {model.storage.mapped_from}, and cannot be written"
        raise ConfigError("model", f"{problem}; load it without mmap")
    with Source.open(name) as source:
        with uncollected():
            head, file, _ = _described(source, None, opaque=True)
        theirs = {name for name in file.names if not name.startswith(("slot:", "state:"))}
        mine = {**model.params, **model.buffers}
        if strict and theirs != mine.keys():
            absent, extra = mine.keys() - theirs, theirs - mine.keys()
            raise ShapeError(
                f"wanted exactly this model's arrays; missing are: {listing(absent)}; "
                f"unknown are: {listing(extra)}. strict=False takes those that both have",
                name,
            )
        taken = [each for each in mine if each in theirs]
        for each in taken:
            shape, dtype = file.shape_and_dtype(each)
            where = f"{name}, '{each}'"
            if shape != mine[each].shape:
                raise ShapeError(f"wanted shape {mine[each].shape}, found {shape}", where)
            if not np.can_cast(dtype, mine[each].dtype, "same_kind"):
                wanted, found = mine[each].dtype, layout.type_of(dtype)
                raise ShapeError(f"wanted dtype {wanted}, found {found}", where)
        held = Filling(source, head, file, "full").arrays(taken)
    for each, array in held.items():
        _refuse_loss(array, mine[each].dtype, f"{name}, '{each}'")
    for each, array in held.items():
        mine[each][...] = array
    return taken


def _refuse_loss(array: Array, dtype: np.dtype[Any], where: str) -> None:
    """Refuse numbers that another dtype cannot hold, of which it would make infinities or others."""
    if array.dtype == dtype or np.can_cast(array.dtype, dtype, "safe"):
        return
    with np.errstate(over="ignore", under="ignore"):
        cast = array.astype(dtype)
    whole = dtype.kind in "iu"
    lost = cast != array if whole else np.isfinite(cast) != np.isfinite(array)
    if lost.any():
        problem = f"wanted numbers that {dtype} can hold, found {array[lost].flat[0]}"
        raise DataError(f"{where}: {problem}")


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


def _written(model: Model, run: Run | None) -> tuple[dict[str, Any], dict[str, Array]]:
    kept = model.kept
    state, more = run or (None, {})
    if run is None and kept is not None and kept.state is not None and kept.is_of(model.storage):
        state, more = kept.state, kept.arrays
    spec = model.spec
    head = {
        "critical": (),
        "ext": {} if kept is None else kept.ext,
        "generator": f"mlpk {__version__}",
        "meta": checked_meta(model.meta),
        "plugins": _claims(model, spec, state),
        "spec": spec,
        "state": state,
    }
    return head, {**model.params, **model.buffers, **more}


def _claims(model: Model, spec: ModelSpec, state: TrainState | None) -> tuple[PluginClaim, ...]:
    """Return what the file shall say about each third-party distribution that it needs."""
    claimed: dict[str, tuple[str, str]] = {}
    if model.kept is not None and state is not None and state is model.kept.state:
        theirs = {kind["id"] for _, kind in used(evolved(spec, nodes=()), state)}
        claimed = {
            identity: (claim.dist, claim.version)
            for claim in model.kept.claims
            for identity in claim.ids
            if identity in theirs
        }
    for node in model.graph.nodes.values():
        if isinstance(node.layer, Opaque):
            claimed |= node.layer.claimed()
    found: dict[tuple[str, str], set[str]] = {}
    for identity in {kind["id"] for _, kind in used(spec, state)}:
        owner = catalog.current().owner(identity)
        if identity in claimed:
            found.setdefault(claimed[identity], set()).add(identity)
        elif owner is not None:
            found.setdefault((owner.dist, owner.version), set()).add(identity)
    return tuple(
        PluginClaim(dist=dist, version=version, ids=tuple(sorted(ids)))
        for (dist, version), ids in sorted(found.items())
    )
