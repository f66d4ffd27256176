"""PyTorch: eager with fused optimizers, and compiled; images lie channels last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from contestants.contestant import Contestant, Ran
from net import KERNEL, POOL, Net, Sized
from torch import Tensor, nn
from torch.nn import functional
from workload import Workload

__all__ = ["Compiled", "WithTorch"]

NORMS: dict[int, type[nn.Module]] = {1: nn.BatchNorm1d, 3: nn.BatchNorm2d}


class WithTorch(Contestant):
    """Eager."""

    @staticmethod
    def lacks(_: Workload) -> str | None:
        return None

    def __init__(self, workload: Workload, threads: int) -> None:
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        torch.manual_seed(0)
        self.trains = workload.trains
        self.rows, self.batch = workload.rows, workload.batch
        x, y = workload.data()
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        self.images = x.ndim == 4
        self.net = network(workload.net)
        if self.images:
            self.net = self.net.to(memory_format=torch.channels_last)
        self.net.train(self.trains)
        optimizers = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
        if workload.optimizer is not None:
            trained = [param for param in self.net.parameters() if param.requires_grad]
            self.optimizer: Any = optimizers[workload.optimizer](trained, lr=0.001, fused=True)
        self.loss: Callable[[Tensor, Tensor], Tensor] = self._loss
        self.predict: Callable[[Tensor], Tensor] = self.net

    @property
    def parameters(self) -> int:
        return sum(param.numel() for param in self.net.parameters() if param.requires_grad)

    def run(self, steps: int) -> Ran:
        if not self.trains:
            with torch.inference_mode():
                x = self._as_given(self.x)
                for _ in range(steps):
                    self.predict(x).numpy()
            return Ran(steps, None)
        value = 0.0
        for _ in range(steps):
            rows = torch.randint(self.rows, (self.batch,))
            x, y = self.x.index_select(0, rows), self.y.index_select(0, rows)
            loss = self.loss(self._as_given(x), y)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            value = loss.item()
        return Ran(steps, value)

    def kernels(self) -> str:
        return str(torch.backends.cpu.get_cpu_capability())

    def _as_given(self, x: Tensor) -> Tensor:
        """Return images as torch wants them, (n, channels, height, width); they stay in place."""
        return x.permute(0, 3, 1, 2) if self.images else x

    def _loss(self, x: Tensor, y: Tensor) -> Tensor:
        return functional.cross_entropy(self.net(x), y)


class Compiled(WithTorch):
    """With `torch.compile` on network and loss, for shapes that stay."""

    def __init__(self, workload: Workload, threads: int) -> None:
        super().__init__(workload, threads)
        self.loss = torch.compile(self._loss, dynamic=False)
        self.predict = torch.compile(self.net, dynamic=False)


class Last(nn.Module):
    """An LSTM that gives its last state. Of its two biases, which are only ever added, one is at rest."""

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, units, batch_first=True)
        self.lstm.bias_hh_l0.requires_grad_(False)  # noqa: FBT003 - torch's own signature
        nn.init.zeros_(self.lstm.bias_hh_l0)

    def forward(self, x: Tensor) -> Tensor:
        _, (h, _) = self.lstm(x)
        return h[-1]


def network(net: Net) -> nn.Sequential:
    """Return a network of torch."""
    return nn.Sequential(*(_module(sized) for sized in net.sized()))


def _module(sized: Sized) -> nn.Module:
    part, channels = sized.part, sized.given[-1]
    makers: dict[str, Callable[[], nn.Module]] = {
        "dense": lambda: nn.Linear(channels, part.width, bias=part.bias),
        "conv": lambda: nn.Conv2d(channels, part.width, KERNEL, padding="same", bias=part.bias),
        "lstm": lambda: Last(channels, part.width),
        "batch_norm": lambda: NORMS[len(sized.given)](channels),
        "pool": lambda: nn.MaxPool2d(POOL),
        "flatten": nn.Flatten,
        "relu": nn.ReLU,
    }
    return makers[part.kind]()
