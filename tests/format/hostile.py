"""Writes the files under hostile/, which no reader may take: hostile.py [FOLDER].

Each breaks the one rule that it is called after, and begins with the step that notices it. Sizes
and digests are made right again, unless they are the point.
"""

from __future__ import annotations

import sys
from pathlib import Path

import hostile_bytes
import hostile_headers
from handmade import written


def files() -> dict[str, bytes]:
    families = {
        "": hostile_bytes.envelopes(),
        "msgpack-": hostile_bytes.spellings(),
        "field-": {**hostile_headers.fields(), **hostile_headers.states()},
        "claim-": hostile_headers.claims(),
        "table-": hostile_headers.tables(),
        "network-": hostile_headers.networks(),
    }
    return {
        start + name: data for start, family in families.items() for name, data in family.items()
    }


if __name__ == "__main__":
    here = Path(__file__).parent / "hostile"
    written(Path(sys.argv[1]) if len(sys.argv) > 1 else here, files())
