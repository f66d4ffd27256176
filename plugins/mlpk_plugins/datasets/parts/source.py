"""Where the files of a dataset are: under MLPK_DATA, in the user's cache, or on a server.

The cache is laid out like the folder that MLPK_DATA names: "mnist/train-images-idx3-ubyte.gz".
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from attrs import frozen

from mlpk.errors import DataError

__all__ = ["VARIABLE", "Remote", "locate", "under_data"]

VARIABLE = "MLPK_DATA"


@frozen
class Remote:
    """A download: its address, the SHA-256 of its bytes, and its path in the cache.

    Of a tar archive, `members` are the files in it that are wanted; they are unpacked beside it.
    """

    url: str
    sha256: str
    path: str
    members: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it brings, as paths in the cache."""
        return self.members or (self.path,)


def under_data(name: str) -> Path | None:
    """Return the path of a file under MLPK_DATA, with or without ".gz", or None."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return None
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise DataError(f"{VARIABLE} names {root}, which is not a folder; set it right or unset it")
    plain = root / name.removesuffix(".gz")
    packed = plain.with_name(f"{plain.name}.gz")
    return next((path for path in (plain, packed) if path.is_file()), None)


def locate(names: Sequence[str], remotes: Sequence[Remote]) -> list[Path]:
    """Return the path of each file, downloading what is neither under MLPK_DATA nor cached.

    A download is checked by its hash each time it is used. Raises `DataError` if a file cannot
    be had.
    """
    found = [under_data(name) for name in names]
    missing = [name for name, path in zip(names, found, strict=True) if path is None]
    if not missing:
        return [path for path in found if path is not None]
    cache = _filled_cache([r for r in remotes if set(r.files) & set(missing)], missing)
    return [path or cache / name for name, path in zip(names, found, strict=True)]


def _filled_cache(remotes: Sequence[Remote], missing: Sequence[str]) -> Path:
    """Return the cache's folder, with these downloads in it."""
    listed = ", ".join(missing)
    try:
        pooch = import_module("pooch")
    except ImportError:
        folder = os.environ.get(VARIABLE)
        found = f"no such files under {folder}" if folder else f"{VARIABLE} not set"
        raise DataError(
            f"wanted the files {listed}; found {found}: set {VARIABLE} to a folder that has them, "
            'or let them be downloaded, after python -m pip install "mlpk[data]"'
        ) from None
    cache = Path(pooch.os_cache("mlpk")).expanduser()
    for remote in remotes:
        place = cache / remote.path
        unpack = pooch.Untar(list(remote.members), ".") if remote.members else None
        try:
            pooch.retrieve(remote.url, f"sha256:{remote.sha256}", place.name, place.parent, unpack)
        except (OSError, ValueError) as error:
            # requests' errors are OSErrors, a wrong hash is pooch's ValueError.
            raise DataError(
                f"{remote.url} could not be downloaded to {place}: try again later, or set "
                f"{VARIABLE} to a folder that has the files {listed} ({error})"
            ) from None
    return cache
