"""An implementation and an example of its kind, beside the plain one."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from mlpk import catalog
from mlpk.arrays import Array
from mlpk.choice import PLAIN
from mlpk.declaration import Shape
from mlpk.example import Example
from mlpk.kind import Kind
from mlpk.loss import Loss
from mlpk.preference import Preference, use
from mlpk.record import Brought
from mlpk.testing.differences import assert_close
from mlpk.testing.inapplicable import InapplicableError
from mlpk.testing.pairs import pair

__all__ = ["DTYPES", "FAR", "MANY", "WHOLE", "Implemented", "implemented", "plainly"]

DTYPES = ("float32", "float64")
WHOLE = ("uint8", "int32", "int64")
# Of a few hundred operations; those on many values may take `MANY` times as much.
ROUNDING = {"float32": 1e-5, "float64": 1e-12}
MANY = 10
# Times as large as drawn, real numbers must overflow nowhere that the plain one does not.
FAR = 1e4


@attrs.frozen
class Implemented:
    """What a check of an implementation looks at; `dtype` is that of the network."""

    item: Brought
    example: Example
    dtype: str

    @property
    def is_served(self) -> bool:
        """Whether it computes the example's instance, on the example's shapes."""
        return self.serves(*self._shapes())

    def serves(self, *shapes: Shape) -> bool:
        """Tell whether it computes the example's instance on these shapes."""
        with self.faster():
            choice = catalog.current().choice
            return choice.of(self.example.instance, shapes, self.dtype) is self.item

    def require(self, *shapes: Shape) -> None:
        """Say that a check does not apply where the plain implementation is left to compute."""
        if not self.serves(*shapes):
            raise InapplicableError("serves() leaves it to the plain implementation")

    def faster(self) -> Preference:
        """Let the implementation compute, as long as the context lasts."""
        return use(self.item.dist)

    def assert_agree(
        self, found: Mapping[str, Array], wanted: Mapping[str, Array], where: str, *, many: int = 1
    ) -> None:
        """Assert that arrays are the plain ones by their names, as far as rounding lets them."""
        missing = wanted.keys() ^ found.keys()
        assert not missing, f"{where}: only one of the two has {', '.join(sorted(missing))}"
        for name, array in found.items():
            dtype = wanted[name].dtype
            assert array.dtype == dtype, f"{name} {where} came out as {array.dtype}, not {dtype}"
            both = array.astype(np.float64), wanted[name].astype(np.float64)
            assert_close(*both, f"{name} {where}", many * ROUNDING[self.dtype])

    def assert_rows_agree(
        self, found: Mapping[str, Array], wanted: Mapping[str, Array], where: str
    ) -> None:
        """Assert that rows are finite where the plain ones are, and that these agree."""
        for name, array in found.items():
            its, plain = _finite_rows(array), _finite_rows(wanted[name])
            for row in np.flatnonzero(its != plain):
                said = "not finite, but plainly it is" if plain[row] else "finite, but plainly not"
                raise AssertionError(f"{name} {where}: row {row} is {said}: {array[row]}")
            self.assert_agree({name: array[plain]}, {name: wanted[name][plain]}, where)

    def _shapes(self) -> tuple[Shape, ...]:
        if isinstance(self.example.instance, Loss):
            return (pair(self.example, 1)[0].shape[1:],)
        return self.example.input_shapes

    def __repr__(self) -> str:
        return f"{self.example!r} in {self.dtype}"


def implemented(item: Brought, kind: type[Kind]) -> list[Implemented]:
    """Return the examples of the kind that is implemented, in each dtype."""
    return [Implemented(item, each, dtype) for dtype in DTYPES for each in kind.examples()]


def plainly() -> Preference:
    """Let the plain implementations compute, as long as the context lasts."""
    return use(PLAIN)


def _finite_rows(array: Array) -> Array:
    return np.array([np.isfinite(row).all() for row in array], np.bool_)
