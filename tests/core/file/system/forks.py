"""A process that has mlpk in memory and forks one child for each job it is told.

A line of standard input is a job, {"code", "values"}; on standard output come the child's lines,
{"pid"}, {"ready"} where the code calls `ready()` (the child then waits for a line), {"result"} of
the code's variable of that name or {"error"}, then {"ended"} and, after a line, {"status"}. So a test can kill, trace or
starve a process that did nothing but what the test is about, without importing NumPy each time.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import traceback
from typing import Any

import numpy as np

import mlpk
from mlpk.file import writer

PR_SET_PTRACER = 0x59616D61


def told() -> str:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 65_536)
        if not piece:
            sys.exit()
        line += piece
    return line.decode()


def tell(**what: Any) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


def ready() -> None:
    if sys.platform == "linux":  # where only parents may trace, anybody may trace this one
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
    tell(ready=True)
    told()


def do(code: str, values: dict[str, Any]) -> None:
    names = {"np": np, "os": os, "mlpk": mlpk, "writer": writer, "ready": ready, **values}
    try:
        exec(compile(code, "<job>", "exec"), names)  # noqa: S102 - a test's own code
        tell(result=names.get("result"))
    except BaseException:  # noqa: BLE001 - told to the test, which fails by it
        tell(error=traceback.format_exc())


if __name__ == "__main__":
    mlpk.layers.dense  # noqa: B018 - finds what is installed, once for all children
    tell(started=True)
    while True:
        job = json.loads(told())
        child = os.fork()
        if child == 0:
            tell(pid=os.getpid())
            do(job["code"], job["values"])
            os._exit(0)
        # Until the test has heard of its end, its number belongs to nobody else.
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        tell(ended=True)
        told()
        tell(status=os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
