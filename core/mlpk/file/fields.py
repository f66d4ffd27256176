"""Whether the layers of a file have the fields that third parties' layers have here."""

from __future__ import annotations

import attrs

from mlpk import catalog
from mlpk.catalog import LOCAL
from mlpk.errors import FileFormatError, listing
from mlpk_schemas.errors import quoted
from mlpk_schemas.file import Header

__all__ = ["refuse_other_fields"]


def refuse_other_fields(header: Header) -> None:
    """Refuse a layer whose fields changed, though its schema is still the one of the file.

    Of mlpk's own layers that is the fault of a file; of others it is most likely their author's.
    """
    active = catalog.current()
    claims = {
        identity: f"{claim.dist} {claim.version}".strip()
        for claim in header.plugins
        for identity in claim.ids
    }
    for place, node in enumerate(header.spec.nodes):
        owner = active.owner(node.id)
        if owner is None or active.schema_of("layers", node.id) != node.schema:
            continue
        cls = active.by_id("layers", node.id, node.schema)
        known = {field.name for field in attrs.fields(cls)}
        if node.config.keys() == known:
            continue
        wrote = f" (the file claims: {quoted(claims[node.id])})" if node.id in claims else ""
        here = "what was added here" if owner.dist == LOCAL else f"{owner.named} here"
        raise FileFormatError(
            f"node {quoted(node.name)} ({node.id}) was written with the fields "
            f"{quoted(listing(node.config), 160)[1:-1]}{wrote}, and {here} has "
            f"{listing(known)}, both as schema {node.schema}. Whoever changes a field raises "
            "`schema` and adds a migration; take the release that wrote the file, or ask for that",
            field=f"spec.nodes[{place}].config",
        )
