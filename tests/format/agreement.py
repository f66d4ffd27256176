"""What two readers make of the same bytes: it has to be the same."""

from __future__ import annotations

from typing import NamedTuple

import oracle
from oracle import Contents, Refused
from spelling import encode

import mlpk
from mlpk import MlpkError
from mlpk.file import reader
from mlpk.file.layout import type_of
from mlpk.file.source import Source
from mlpk_schemas.file import Header
from mlpk_schemas.records import plain


class Verdict(NamedTuple):
    """`rule` is what a file was refused by, None if both readers take it.

    `built` tells whether it is a network as well, and `network` by which rule it is none where
    that shows without knowing the kinds.
    """

    rule: str | None
    network: str | None
    built: bool


def verdict(data: bytes) -> Verdict:
    """Return what both readers say of a file, or fail where they differ.

    Anything else than the errors of the two comes through.
    """
    try:
        contents = oracle.read(data)
    except Refused as refused:
        _both_refuse(data, refused.rule)
        return Verdict(refused.rule, None, built=False)
    source = Source.of(data)
    header = reader.read_header(source)
    _same(contents, header, source)
    network = None
    try:
        oracle.check_network(contents.header)
    except Refused as refused:
        network = refused.rule
    return Verdict(None, network, built=_built(data, contents, network))


def _both_refuse(data: bytes, rule: str) -> None:
    """Require refusals of mlpk, of the header too unless only the payload is wrong."""
    source = Source.of(data)
    try:
        header = reader.read_header(source)
    except MlpkError:
        assert not rule.startswith("payload-"), f"only mlpk refuses the header; {rule}"
    else:
        assert rule.startswith("payload-"), f"only mlpk takes the header; {rule}"
        try:
            reader.read_arrays(source, header)
        except MlpkError:
            pass
        else:
            raise AssertionError(f"only mlpk takes the arrays; {rule}")
    try:
        mlpk.loads(data, missing="opaque")
    except MlpkError:
        return
    raise AssertionError(f"only mlpk loads it; {rule}")


def _same(contents: Contents, header: Header, source: Source) -> None:
    """Require the same tree, types included, and the same arrays."""
    assert encode(contents.header) == encode(plain(header))
    arrays = reader.read_arrays(source, header)
    assert list(arrays) == list(contents.arrays)
    for name, (dtype, shape, content) in contents.arrays.items():
        array = arrays[name]
        assert (type_of(array.dtype), array.shape) == (dtype, shape)
        assert array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes() == content


def _built(data: bytes, contents: Contents, network: str | None) -> bool:
    """Tell whether mlpk makes a model of it; if so, what is saved again is the same."""
    try:
        model = mlpk.loads(data, missing="opaque")
    except MlpkError:
        return False
    assert network is None, f"only mlpk builds the network; {network}"
    again = oracle.read(mlpk.dumps(model))
    oracle.check_network(again.header)
    assert again.arrays == contents.arrays
    for key in ("ext", "meta", "plugins", "spec", "state"):
        assert encode(again.header[key]) == encode(contents.header[key]), f"another {key} is saved"
    return True
