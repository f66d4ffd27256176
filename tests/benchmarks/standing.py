"""How one of ours stands in a race, read from the suite's results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from contestants.listing import ENTRIES

__all__ = ["Standing", "duration", "spread", "standings"]

OURS = {entry.name: "faster" if entry.needs else "plain" for entry in ENTRIES if entry.ours}


class Standing(NamedTuple):
    """A contestant of ours, the fastest of the others in the same race, and the ratio aimed at."""

    name: str
    seconds: float
    peer: str | None
    of_peer: float | None
    target: float

    @property
    def ratio(self) -> float | None:
        """Our time over the best peer's; None if no peer took part."""
        return None if self.of_peer is None else self.seconds / self.of_peer

    @property
    def verdict(self) -> str:
        """In words."""
        if self.ratio is None:
            return "no peer"
        if self.ratio <= self.target:
            return "met"
        return "ahead, target missed" if self.ratio < 1 else "behind, target missed"


def standings(race: dict[str, Any]) -> Iterator[Standing]:
    """Yield how each of ours stands."""
    times = {name: each["median"] for name, each in race["contestants"].items()}
    peers = {name: each for name, each in times.items() if name not in OURS}
    best = min(peers, key=lambda name: peers[name], default=None)
    for name, target in OURS.items():
        if name in times:
            of_peer = None if best is None else peers[best]
            yield Standing(name, times[name], best, of_peer, race["targets"][target])


def spread(contestant: dict[str, Any]) -> float:
    """Return how far the windows lie apart, over their median: a half of them are within."""
    windows = sorted(contestant["windows"])
    quarter = len(windows) // 4
    return float((windows[-1 - quarter] - windows[quarter]) / contestant["median"])


def duration(seconds: float) -> str:
    """Return seconds in the unit that suits them."""
    for unit, factor in (("us", 1e6), ("ms", 1e3)):
        if seconds * factor < 1000:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"
