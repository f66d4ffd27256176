"""Networks as every library can build them, and what one row costs in each."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

__all__ = ["Net", "Part", "Sized"]

KERNEL = 3  # of every convolution, with padding that keeps the size
POOL = 2  # of every max pooling, without overlap
BIASES = {"dense": 1, "conv": 1, "lstm": 4}  # for each unit


class Part(NamedTuple):
    """A layer: dense, conv or lstm of a width, or batch_norm, relu, pool or flatten.

    Matrices in front of a batch_norm have no bias, which would be taken off again there.
    """

    kind: str
    width: int = 0
    bias: bool = True


class Sized(NamedTuple):
    """A layer in its network, with what one row costs there."""

    part: Part
    given: tuple[int, ...]
    made: tuple[int, ...]
    parameters: int
    multiply_adds: int  # of matrix products, on the way forward
    products: int  # the numbers that these put out


class Net(NamedTuple):
    """Layers in a row, and the shape of one row of what goes in; channels come last."""

    shape: tuple[int, ...]
    parts: tuple[Part, ...]

    @property
    def classes(self) -> int:
        """The width of the output."""
        return self.parts[-1].width

    @property
    def parameters(self) -> int:
        """The number of weights that are trained."""
        return sum(sized.parameters for sized in self.sized())

    @property
    def dense_only(self) -> bool:
        """Whether it is dense layers with relu between them, and nothing else."""
        return {part.kind for part in self.parts} == {"dense", "relu"}

    def sized(self) -> Iterator[Sized]:
        """Yield the layers with their shapes and costs."""
        given = self.shape
        for part in self.parts:
            sized = _sized(part, given)
            yield sized
            given = sized.made

    def multiply_adds(self, *, training: bool) -> int:
        """Return the multiply-adds of one row: forward, and in training what two gradients take.

        Nobody reads the gradient of the network's input, which the first layer therefore leaves out.
        """
        products = [sized for sized in self.sized() if sized.multiply_adds]
        forward = sum(sized.multiply_adds for sized in products)
        if not training:
            return forward
        first = products[0]
        unread = first.multiply_adds
        if first.part.kind == "lstm":  # its states are read at every step
            steps, features = first.given
            unread = steps * features * 4 * first.part.width
        return 3 * forward - unread

    def outputs(self) -> int:
        """Return the numbers that matrix products put out for one row."""
        return sum(sized.products for sized in self.sized())


def _sized(part: Part, given: tuple[int, ...]) -> Sized:
    """Return a layer on what it is given; of a batch_norm the weights are gamma and beta."""
    made, weights, multiply_adds, products = given, 0, 0, 0
    match part.kind:
        case "dense":
            made = (part.width,)
            weights = multiply_adds = given[0] * part.width
            products = part.width
        case "conv":
            made = (*given[:2], part.width)
            weights = KERNEL * KERNEL * given[2] * part.width
            multiply_adds = given[0] * given[1] * weights
            products = prod(made)
        case "lstm":
            made = (part.width,)
            weights = (given[1] + part.width) * 4 * part.width
            multiply_adds = given[0] * weights
            products = given[0] * 4 * part.width
        case "batch_norm":
            weights = 2 * given[-1]
        case "pool":
            made = (given[0] // POOL, given[1] // POOL, given[2])
        case "flatten":
            made = (prod(given),)
    biases = BIASES.get(part.kind, 0) * part.width if part.bias else 0
    return Sized(part, given, made, weights + biases, multiply_adds, products)
