"""Targets of a fuzzer: bytes as they come, and once more with size and digest made right.

python tests/format/fuzz_bytes.py -max_total_time=600
"""

from __future__ import annotations

from pathlib import Path

import fuzzing

with fuzzing.instrumented():
    from agreement import verdict
    from handmade import sealed

HERE = Path(__file__).parent


def check(data: bytes) -> None:
    """Require both readers to agree about bytes, and about the file that they make."""
    verdict(data)
    verdict(_sealed(data))


def _sealed(data: bytes) -> bytes:
    """Return a file whose header and body are in these bytes, its prelude right."""
    content = data[64:]
    said = int.from_bytes(data[60:64], "big")
    # The longest header that there is room for, unless one of a right length is asked for.
    room = max(len(content) - 5 - (len(content) - 5 - 54) % 64, 0)
    length = said if said % 64 == 54 and said <= room else room
    return sealed(content[:length], content[length:], version=b"\1" + (data[15:16] or b"\0"))


def corpus() -> dict[str, bytes]:
    paths = [*(HERE / "golden").glob("*.mlpk"), *(HERE / "hostile").glob("*.mlpk")]
    return {path.name: path.read_bytes() for path in sorted(paths) if path.stat().st_size < 8192}


if __name__ == "__main__":
    fuzzing.fuzz(check, corpus())
