"""onnxruntime: predictions with a network that mlpk drew, as ONNX."""

from __future__ import annotations

import onnxruntime
from contestants.contestant import Contestant, Ran
from contestants.onnx_export import exported
from contestants.with_mlpk import model_of
from workload import Workload

__all__ = ["WithOnnxruntime"]


class WithOnnxruntime(Contestant):
    """A session with all of its optimizations."""

    @staticmethod
    def lacks(workload: Workload) -> str | None:
        return "does not train here" if workload.trains else None

    def __init__(self, workload: Workload, threads: int) -> None:
        self.x, _ = workload.data()
        model = model_of(workload.net)
        self._parameters = sum(param.size for param in model.params.values())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            exported(model, workload.net.shape, workload.net.classes).SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
        )

    @property
    def parameters(self) -> int:
        return self._parameters

    def kernels(self) -> str:
        return "MLAS, for the processor at hand"

    def run(self, steps: int) -> Ran:
        for _ in range(steps):
            self.session.run(None, {"x": self.x})
        return Ran(steps, None)
