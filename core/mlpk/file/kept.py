"""What a file holds beside its network, kept so that nothing is lost when it is saved again."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from mlpk.arrays import Array
from mlpk.file.blocks import raw
from mlpk_schemas.file import PluginClaim, TrainState

if TYPE_CHECKING:
    from mlpk.storage import Storage

__all__ = ["Kept", "digest_of"]


@attrs.frozen(eq=False)
class Kept:
    """The state of a training run with its arrays, the file's claims, and its extensions.

    `digest` is that of the parameters and buffers to which the state belongs, whoever changes them.
    """

    state: TrainState | None
    arrays: Mapping[str, Array]
    digest: bytes
    claims: tuple[PluginClaim, ...]
    ext: Mapping[str, Any]

    def is_of(self, storage: Storage) -> bool:
        """Tell whether a model's arrays are still those beside which the state was found."""
        return self.digest == digest_of(storage)


def digest_of(storage: Storage) -> bytes:
    """Return the digest of parameters and buffers; mapped ones are read-only, and need none."""
    found = sha256()
    if storage.mapped_from is None:
        for name, array in {**storage.params, **storage.buffers}.items():
            found.update(f"{name} {array.dtype} {array.shape} ".encode())
            found.update(raw(np.ascontiguousarray(array)))
    return found.digest()
