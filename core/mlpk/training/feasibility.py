"""Whether epochs of these data can be trained: what can be told is told before the first step."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from mlpk.errors import ConfigError, DataError
from mlpk.training.batch import Rows
from mlpk.training.values import check_values

if TYPE_CHECKING:
    from mlpk.graph import Graph
    from mlpk.training.measures import Measures
    from mlpk.training.stream import Stream

__all__ = ["planned_batches"]


def planned_batches(
    graph: Graph,
    measures: Measures,
    source: Rows | Stream,
    *,
    epochs: int,
    drop_last: bool,
    frozen: Collection[str],
) -> int | None:
    """Check data against all that sees them; return the batches of an epoch, None if unknown."""
    if not isinstance(source, Rows):
        if source.once and epochs > 1:
            raise DataError(
                f"an iterator of batches can be walked once, but epochs={epochs}; give a "
                "list, or an object whose __iter__ starts again"
            )
        if drop_last:
            raise ConfigError("drop_last", "goes with arrays; batches of your own are all used")
        return source.batches()
    if drop_last and source.count < source.wanted_size:
        raise DataError(
            f"drop_last=True would leave no batch: x has {source.count} rows, and "
            f"batch_size is {source.wanted_size}"
        )
    if measures.objective is not None:
        measures.objective.check(source)
    measures.check(source)
    check_values(graph, source.inputs)
    for node in graph.nodes.values():
        rests = node.name in frozen and node.buffers
        if node.declaration is not None and not rests:
            _refuse_small(source, node.name, node.declaration.min_rows, drop_last=drop_last)
    return source.batches(drop_last=drop_last)


def _refuse_small(rows: Rows, node: str, wanted: int, *, drop_last: bool) -> None:
    """Refuse batches with fewer rows than a node needs in training."""
    size = rows.batch_size
    last = size if drop_last else rows.count % size or size
    if last >= wanted:
        return
    if rows.count < wanted:
        found, remedy = f"x has {rows.count}", "give more"
    elif size < wanted:
        found, remedy = f"batches have {size}", "pass a larger batch_size"
    else:
        found, remedy = (
            f"the last batch of an epoch would have {last}",
            "pass drop_last=True or another batch_size",
        )
    raise DataError(f"node '{node}' wants {wanted} rows or more in training, {found}; {remedy}")
