"""The workloads: a network, an optimizer, a batch, and the data."""

from __future__ import annotations

from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np
from net import Net, Part
from numpy.typing import NDArray

__all__ = ["WORKLOADS", "Targets", "Workload", "named"]

FLOAT = 4  # bytes
SLOTS = {"sgd": 0, "adam": 2, None: 0}


class Targets(NamedTuple):
    """What is aimed at, over the best peer's time: with NumPy alone, and with faster kinds."""

    plain: float
    faster: float


class Workload(NamedTuple):
    """What every contestant does, step after step.

    To train is to draw a batch at random, go forward, back and update, and read the loss; without
    an `optimizer` a step predicts `batch` rows, the same ones.
    """

    name: str
    title: str
    net: Net
    optimizer: Literal["sgd", "adam"] | None
    batch: int
    rows: int
    targets: Targets

    @property
    def group(self) -> str:
        """The name under which it is asked for."""
        return self.name.split()[0]

    @property
    def trains(self) -> bool:
        """Whether a step updates."""
        return self.optimizer is not None

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds of one step."""
        return self.batch * self.net.multiply_adds(training=self.trains)

    @property
    def bytes(self) -> int:
        """The bytes that a step cannot leave where they are, however it is written.

        The batch is read. Parameters are read, in training written too, and so is what the
        optimizer keeps; gradients are written and read. What products put out is written, and in
        training read again on the way back.
        """
        ways = 2 if self.trains else 1
        kept = self.net.parameters * (1 + SLOTS[self.optimizer] + self.trains)
        return FLOAT * (
            self.batch * prod(self.net.shape) + ways * kept + ways * self.batch * self.net.outputs()
        )

    def data(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return rows x, float32, and labels y, int64, that can be learned; always the same."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((self.rows, *self.net.shape), np.float32)
        towards = rng.standard_normal((prod(self.net.shape), self.net.classes), np.float32)
        return x, np.argmax(x.reshape(self.rows, -1) @ towards, axis=1)


def _normed(*parts: Part) -> tuple[Part, ...]:
    """Return matrices, each with batch normalisation and relu behind it."""
    rest = (Part("batch_norm"), Part("relu"))
    return tuple(each for part in parts for each in (part._replace(bias=False), *rest))


RELU = Part("relu")
END = Part("dense", 10)
ONE_LAYER = Net((784,), (Part("dense", 50), RELU, END))
WIDER = Net((784,), (Part("dense", 100), RELU, END))
DEEP = Net((3072,), (*_normed(*[Part("dense", 100)] * 5), END))
IMAGES = Net(
    (32, 32, 3),
    (
        *_normed(Part("conv", 32), Part("conv", 32)), Part("pool"),
        *_normed(Part("conv", 64), Part("conv", 64)), Part("pool"),
        Part("flatten"), END,
    ),
)  # fmt: skip
WIDE = Net((784,), (*_normed(*[Part("dense", 1024)] * 3), END))
TINY = Net((2,), (Part("dense", 10), RELU, Part("dense", 2)))
SEQUENCES = Net((32, 16), (Part("lstm", 64), END))

PREDICTING = Targets(2.0, 1.2)
WORKLOADS = (
    Workload(
        "W1", "784-50-10, ReLU, SGD, batch 100",
        ONE_LAYER, "sgd", 100, 10_000, Targets(0.6, 0.5),
    ),
    Workload(
        "W2", "784-100-10, ReLU, Adam, batch 128",
        WIDER, "adam", 128, 10_000, Targets(0.85, 0.5),
    ),
    Workload(
        "W3", "3072-5x100-10, batch norm, ReLU, Adam, batch 100",
        DEEP, "adam", 100, 5_000, Targets(0.9, 0.6),
    ),
    Workload(
        "W4", "conv 32, 32, pool, conv 64, 64, pool, dense 10 on 32x32x3, batch norm, ReLU, "
        "Adam, batch 64",
        IMAGES, "adam", 64, 5_000, Targets(1.3, 0.8),
    ),
    Workload(
        "W5", "784-3x1024-10, batch norm, ReLU, Adam, batch 128",
        WIDE, "adam", 128, 10_000, Targets(1.3, 0.8),
    ),
    Workload("W6", "2-10-2, ReLU, SGD, batch 50", TINY, "sgd", 50, 10_000, Targets(0.5, 0.4)),
    Workload(
        "W7", "LSTM of 64 units, 32 steps of 16, dense 10, Adam, batch 64",
        SEQUENCES, "adam", 64, 5_000, Targets(1.0, 0.6),
    ),
    Workload("P1 W2 1", "predict 1 row, the net of W2", WIDER, None, 1, 1, PREDICTING),
    Workload("P1 W2 1024", "predict 1,024 rows, the net of W2", WIDER, None, 1024, 1024, PREDICTING),
    Workload("P1 W4 1", "predict 1 row, the net of W4", IMAGES, None, 1, 1, PREDICTING),
    Workload("P1 W4 1024", "predict 1,024 rows, the net of W4", IMAGES, None, 1024, 1024, PREDICTING),
)  # fmt: skip


def named(name: str) -> Workload:
    """Return the workload of a name."""
    (workload,) = (workload for workload in WORKLOADS if workload.name == name)
    return workload
