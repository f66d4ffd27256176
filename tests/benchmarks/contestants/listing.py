"""Who takes part, under which name, and what has to be installed for it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from contestants.contestant import Contestant

__all__ = ["ENTRIES", "Entry"]

PLAIN = {"MLPK_PLUGINS": "", "MLPK_IMPLEMENTATION": "numpy"}


class Entry(NamedTuple):
    """A contestant: the class that runs it, its modules, and the environment that it runs in."""

    name: str
    where: tuple[str, str]  # module and class
    needs: tuple[str, ...] = ()
    environment: dict[str, str] = {}  # noqa: RUF012 - never written
    ours: bool = False

    @property
    def library(self) -> str:
        """The name under which a user asks for it: `torch` for eager and compiled."""
        return self.name.split()[0]

    def missing(self) -> list[str]:
        """Return the modules that are not installed."""
        return [module for module in self.needs if find_spec(module) is None]

    def made(self) -> type[Contestant]:
        """Return its class; this imports the library."""
        module, name = self.where
        found: type[Contestant] = getattr(import_module(f"contestants.{module}"), name)
        return found


ENTRIES = (
    Entry("mlpk", ("with_mlpk", "WithMlpk"), environment=PLAIN, ours=True),
    Entry(
        "mlpk-numba", ("with_mlpk", "WithMlpk"), ("mlpk_numba",),
        {"MLPK_PLUGINS": "mlpk-numba", "MLPK_IMPLEMENTATION": "mlpk-numba"}, ours=True,
    ),
    Entry("torch eager", ("with_torch", "WithTorch"), ("torch",)),
    Entry("torch compiled", ("with_torch", "Compiled"), ("torch",)),
    Entry("jax", ("with_jax", "WithJax"), ("jax",)),
    Entry("scikit-learn", ("with_sklearn", "WithSklearn"), ("sklearn",)),
    Entry("thinc", ("with_thinc", "WithThinc"), ("thinc",)),
    Entry("onnxruntime", ("with_onnxruntime", "WithOnnxruntime"), ("onnxruntime", "onnx")),
)  # fmt: skip
