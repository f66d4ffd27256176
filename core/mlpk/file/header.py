"""The header as a whole: exact keys, known features, and the limits on what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mlpk.errors import ConfigError, shown
from mlpk.file.claims import check_claims
from mlpk.file.layout import ALIGNMENT, CHUNK, DEFAULTS, Limits
from mlpk.file.table import checked_table
from mlpk_schemas.file import Header
from mlpk_schemas.records import assembled, build, values

__all__ = ["HEADER_REST", "check_meta", "checked_header", "pad_size"]

HEADER_REST: Final = 54
# Names of features without which a file cannot be understood; version 1.0 has none.
FEATURES: Final[tuple[str, ...]] = ()


def pad_size(unpadded: int) -> int:
    """Return how many bytes of `pad` a header needs that takes `unpadded` bytes without any."""
    return (HEADER_REST - unpadded) % ALIGNMENT


def checked_header(tree: Any, limits: Limits, chunk: int = CHUNK) -> Header:
    """Return the header of a canonical tree, or raise `ConfigError` with the path of its fault."""
    if not isinstance(tree, dict):
        raise ConfigError("header", f"wanted a mapping, found {shown(tree)}")
    _check_features(tree.get("critical"))
    # The table has a faster way through its own checks, and is put in afterwards.
    short = {**tree, "tensors": {}} if "tensors" in tree else tree
    header = build(Header, short, "", strict=True)
    if len(header.spec.nodes) > limits.nodes:
        problem = f"wanted at most {limits.nodes} nodes, found {len(header.spec.nodes)}"
        raise ConfigError("spec.nodes", problem)
    for place, given in enumerate(header.spec.inputs):
        if len(given.shape) > limits.rank:
            problem = f"wanted at most {limits.rank} dimensions, found {len(given.shape)}"
            raise ConfigError(f"spec.inputs[{place}].shape", problem)
    check_claims(header)
    check_meta(header.meta, limits)
    if len(header.pad) >= ALIGNMENT or any(header.pad):
        raise ConfigError(
            "pad", f"wanted fewer than {ALIGNMENT} zero bytes, found {shown(header.pad)}"
        )
    table = checked_table(tree["tensors"], limits, chunk)
    return assembled(Header, {**values(header), "tensors": table})


def _check_features(critical: Any) -> None:
    if not isinstance(critical, list):
        return  # whoever builds the header says what is wrong
    unknown = [feature for feature in critical if feature not in FEATURES]
    if unknown:
        raise ConfigError(
            "critical",
            f"the file needs {shown(unknown[0])}, which this mlpk does not know; update mlpk",
        )


def check_meta(meta: Mapping[str, str], limits: Limits = DEFAULTS) -> None:
    """Refuse more texts of the user's than a file holds."""
    size = sum(len(key.encode()) + len(value.encode()) for key, value in meta.items())
    if len(meta) > limits.meta_entries or size > limits.meta_bytes:
        raise ConfigError(
            "meta",
            f"wanted at most {limits.meta_entries} entries and {limits.meta_bytes} bytes, found "
            f"{len(meta)} and {size}",
        )
