"""What the arrays of a network are called after the migrations of its nodes."""

from __future__ import annotations

from collections.abc import Mapping

from mlpk.errors import GraphError
from mlpk.migration import Form
from mlpk.stored import Stored, Tensor
from mlpk_schemas.model import NodeSpec
from mlpk_schemas.records import evolved

__all__ = ["Renaming"]


class Renaming:
    """The names of arrays, for all nodes of a network at once, since nodes may share arrays.

    An array that a migration renames from `w` to `weight` is called "gate/weight" after it was
    "gate/w", for all that share it; what is made of "gate/w" in another way is called after the
    same node. Every node is handed to `add` first, then to `node`.
    """

    def __init__(self) -> None:
        self._renamed: dict[str, str] = {}
        self._arrays: dict[str, Stored] = {}
        self._came_of: dict[str, set[str]] = {}

    def add(self, node: NodeSpec, form: Form) -> None:
        """Note what the migrations of a node call anew."""
        before = {**node.params, **node.buffers}
        for local, array in {**form.params, **form.buffers}.items():
            if strange := set(array.sources) - set(before.values()):
                problem = f"its migrations take '{min(strange)}', which is no array of it"
                raise GraphError(f"node '{node.name}': {problem}")
            if isinstance(array, Tensor) and before.get(local) != array.name:
                owner, _, called = array.name.partition("/")
                if before.get(called) == array.name:
                    self._renamed.setdefault(array.name, f"{owner}/{local}")

    def node(self, node: NodeSpec, form: Form, schema: int) -> NodeSpec:
        """Return a node with the configuration and the names of its form, which is of a schema."""
        params = self._names(node.name, form.params)
        buffers = self._names(node.name, form.buffers)
        after = {**form.params, **form.buffers}
        for old in {*node.params.values(), *node.buffers.values()}:
            names = {
                name for local, name in {**params, **buffers}.items() if old in after[local].sources
            }
            if self._came_of.setdefault(old, names) != names:
                raise GraphError(
                    f"node '{node.name}' shares '{old}' with a node whose migrations make something "
                    "else of it"
                )
        return evolved(node, schema=schema, config=form.config, params=params, buffers=buffers)

    @property
    def made(self) -> dict[str, Stored]:
        """The arrays that are not the tensor of their own name."""
        return {name: array for name, array in self._arrays.items() if not _is(array, name)}

    @property
    def gone(self) -> frozenset[str]:
        """The tensors that are no arrays of that name any more."""
        return frozenset(old for old in self._came_of if not _is(self._arrays.get(old), old))

    def _names(self, node: str, arrays: Mapping[str, Stored]) -> dict[str, str]:
        return {local: self._name(node, local, array) for local, array in arrays.items()}

    def _name(self, node: str, local: str, array: Stored) -> str:
        if isinstance(array, Tensor):
            name = self._renamed.get(array.name, array.name)
        else:
            owner = array.sources[0].partition("/")[0] if array.sources else node
            name = f"{owner}/{local}"
        if self._arrays.setdefault(name, array) != array:
            raise GraphError(
                f"node '{node}': its migrations make two arrays called '{name}'. (For nodes that "
                "share an array they must make the same of it, and a function for `computed` is "
                "the same only if it stands at the level of a module)"
            )
        return name


def _is(array: Stored | None, name: str) -> bool:
    return isinstance(array, Tensor) and array.name == name
