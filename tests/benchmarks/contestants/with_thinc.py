"""thinc: layers and optimizers of its own, on NumPy and blis."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
from contestants.contestant import Contestant, Ran
from thinc.api import SGD, Adam, Linear, Relu, chain, get_current_ops
from workload import Workload

__all__ = ["WithThinc"]


class WithThinc(Contestant):
    """Dense layers; it has no batch normalisation and no convolution, and its LSTM wants other data."""

    @staticmethod
    def lacks(workload: Workload) -> str | None:
        return None if workload.net.dense_only else "has dense layers only"

    def __init__(self, workload: Workload, threads: int) -> None:
        self.workload = workload
        self.x, self.y = workload.data()
        *hidden, last = [sized for sized in workload.net.sized() if sized.part.kind == "dense"]
        layers = [Relu(sized.part.width, sized.given[0]) for sized in hidden]
        self.net: Any = chain(*layers, Linear(last.part.width, last.given[0]))
        self.net.initialize()
        usual = {"L2": 0.0, "grad_clip": 0.0, "use_averages": False}
        made = Adam if workload.optimizer == "adam" else SGD
        self.optimizer = made(0.001, **usual)
        self.ops = get_current_ops()
        self.rng = np.random.default_rng(0)

    @property
    def parameters(self) -> int:
        layers = [node for node in self.net.walk() if node.param_names]
        return sum(node.get_param(name).size for node in layers for name in node.param_names)

    def kernels(self) -> str:
        return f"blis {version('blis')}"

    def run(self, steps: int) -> Ran:
        if not self.workload.trains:
            for _ in range(steps):
                self.net.predict(self.x)
            return Ran(steps, None)
        loss, batch = 0.0, self.workload.batch
        each = np.arange(batch)
        for _ in range(steps):
            rows = self.rng.integers(len(self.x), size=batch)
            logits, back = self.net.begin_update(self.x[rows])
            gradient = self.ops.softmax(logits, inplace=True)
            y = self.y[rows]
            loss = -float(np.log(gradient[each, y]).mean())
            gradient[each, y] -= 1
            gradient /= batch
            back(gradient)
            self.net.finish_update(self.optimizer)
        return Ran(steps, loss)
