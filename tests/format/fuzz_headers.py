"""Targets of a fuzzer: golden files changed as the bytes decide, in their headers above all.

python tests/format/fuzz_headers.py -max_total_time=600
"""

from __future__ import annotations

from random import Random

import fuzzing

with fuzzing.instrumented():
    from agreement import verdict
    from mutants import mutated


class Decisions(Random):
    """Random numbers that are taken from bytes, and zeros when those are used up."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self.left = data

    def random(self) -> float:
        return self.getrandbits(16) / 2**16

    def getrandbits(self, k: int) -> int:
        count = -(-k // 8)
        taken, self.left = self.left[:count], self.left[count:]
        number = int.from_bytes(taken.ljust(count, b"\0"), "big")
        return number & ((1 << k) - 1)


def check(data: bytes) -> None:
    """Require both readers to agree about the file that bytes lead to."""
    made = mutated(Decisions(data))
    try:
        verdict(made.data)
    except Exception as error:
        raise AssertionError(f"{made.story}: {type(error).__name__}: {error}") from error


def corpus() -> dict[str, bytes]:
    return {f"{seed}": Random(seed).randbytes(64) for seed in range(200)}  # noqa: S311 - nothing secret


if __name__ == "__main__":
    fuzzing.fuzz(check, corpus())
