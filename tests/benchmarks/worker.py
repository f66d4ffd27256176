"""The process of one contestant at one workload: commands come in as lines, answers go out.

`python worker.py CONTESTANT WORKLOAD THREADS`; a line in either direction is one JSON object. The
first answer tells that everything is built. {"steps": k} runs a window of k steps and answers
seconds a step, the steps that were run and the loss; {"kill": true} answers {}, for the workload
with dead units. The process ends when its input does.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import IO, Any

from contestants.contestant import Contestant
from contestants.listing import ENTRIES
from kernels import blas_kernels
from workload import named

__all__: list[str] = []


def answer(contestant: Contestant, command: dict[str, Any]) -> dict[str, Any]:
    """Return what a command asks for."""
    if "kill" in command:
        contestant.kill()  # type: ignore[attr-defined] # asked of mlpk alone
        return {}
    started = time.perf_counter()
    ran = contestant.run(command["steps"])
    seconds = (time.perf_counter() - started) / ran.steps
    return {"seconds": seconds, "steps": ran.steps, "loss": ran.loss}


def main(answers: IO[str]) -> None:
    name, wanted, threads = sys.argv[1:]
    (entry,) = (entry for entry in ENTRIES if entry.name == name)
    workload = named(wanted)
    made = entry.made()
    lacks = made.lacks(workload)
    if lacks:
        first: dict[str, Any] = {"lacks": lacks}
    else:
        contestant = made(workload, int(threads))
        contestant.run(1)  # what is compiled or allocated at first
        kernels = contestant.kernels() or blas_kernels()
        first = {"parameters": contestant.parameters, "kernels": kernels}
    print(json.dumps(first), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(contestant, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    # Libraries may print: that goes where errors go, and the answers alone to standard output.
    with os.fdopen(os.dup(1), "w") as stream:
        os.dup2(2, 1)
        main(stream)
