"""Running a target on ever new bytes: guided by coverage where atheris is installed, else not.

atheris takes libFuzzer's arguments. Without it `-max_total_time` and `-seed` are understood.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from random import Random
from typing import Any

Target = Callable[[bytes], object]

GUIDED = importlib.util.find_spec("atheris") is not None
SECONDS = 60
WATCHED = [
    "mlpk",
    "mlpk_schemas",
    "oracle_header",
    "oracle_msgpack",
    "oracle_network",
    "oracle_table",
]
BYTES = [0x00, 0x01, 0x7F, 0x80, 0x90, 0xA0, 0xC0, 0xC1, 0xC4, 0xC6, 0xCB, 0xCF, 0xDD, 0xDF, 0xFF]


def instrumented() -> AbstractContextManager[Any]:
    """Return a context in which readers that are imported are made to tell which parts ran."""
    if not GUIDED:
        return nullcontext()
    atheris = importlib.import_module("atheris")
    context: AbstractContextManager[Any] = atheris.instrument_imports(include=WATCHED)
    return context


def fuzz(target: Target, corpus: Mapping[str, bytes]) -> None:
    """Call a target with bytes made of those of a corpus, as the command line says."""
    if GUIDED:
        atheris = importlib.import_module("atheris")
        with tempfile.TemporaryDirectory() as folder:
            for name, data in corpus.items():
                Path(folder, name).write_bytes(data)
            # What is found beside the corpus goes to the first folder, so that is a fresh one.
            atheris.Setup([*sys.argv, folder], target)
            atheris.Fuzz()
        return
    options = dict(each[1:].split("=") for each in sys.argv[1:] if "=" in each)
    seconds = float(options.get("max_total_time", SECONDS))
    random = Random(int(options.get("seed", 0)))  # noqa: S311 - nothing secret
    count = search(target, list(corpus.values()), seconds, random)
    print(f"Done {count} runs in {seconds:g} second(s)")  # noqa: T201 - a script


def search(target: Target, corpus: list[bytes], seconds: float, random: Random) -> int:
    """Call a target until the time is over; return how often. What fails is kept in a file."""
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = _changed(random.choice(corpus), random.choice(corpus), random)
        try:
            target(data)
        except Exception:
            Path("crash").write_bytes(data)
            raise
        count += 1
    return count


def _changed(data: bytes, other: bytes, random: Random) -> bytes:
    """Return bytes with one to four changes, some of them taken from others."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        start = random.randint(0, len(changed))
        stop = min(start + random.choice([0, 1, 1, 1, 4, 64]), len(changed))
        begin = random.randint(0, len(other))
        changed[start:stop] = random.choice([
            random.choice(BYTES).to_bytes(1, "big"),
            random.randbytes(stop - start),
            bytes(each ^ 1 << random.randrange(8) for each in changed[start:stop]),
            other[begin : begin + random.choice([1, 8, 64])],
            other[start:stop],
        ])  # fmt: skip
    return bytes(changed)
