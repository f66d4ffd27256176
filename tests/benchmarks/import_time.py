"""What `import mlpk` adds to `import numpy`, in milliseconds.

Run it with `python tests/benchmarks/import_time.py`. Fresh interpreters import one and the other in
turn; the difference of the medians is printed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 21


def seconds(code: str) -> float:
    """Return how long a fresh interpreter takes to run a line."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    times: dict[str, list[float]] = {"import numpy": [], "import mlpk": []}
    for code in times:
        seconds(code)  # the first run fills the disk cache
    for _ in range(RUNS):
        for code, taken in times.items():
            taken.append(seconds(code))
    medians = {code: 1000 * statistics.median(taken) for code, taken in times.items()}
    for code, median in medians.items():
        print(f"{code}: {median:.0f} ms, the median of {RUNS}")  # noqa: T201 - its result
    added = medians["import mlpk"] - medians["import numpy"]
    print(f"mlpk adds {added:.0f} ms")  # noqa: T201 - its result
