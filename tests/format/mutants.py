"""Files made of the golden ones by one change or several: mutants.py SEED [PATH] writes one again.

Digests, sizes and the table are made right wherever they are not the point, so that it is the
change that a reader meets. A seed gives the same file on every system, as long as the golden files
and the changes are these.
"""

from __future__ import annotations

import pickle
import sys
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

import mutations_bytes
import mutations_network
import mutations_tensors
import mutations_tree
from drafts import Draft

GOLDEN = Path(__file__).parent / "golden"
# In the order in which they are made: what needs a whole tree comes first.
STAGES = (
    mutations_network.ALL,
    mutations_tensors.CONSISTENT,
    mutations_tensors.TABLE,
    mutations_tree.VALUE_CHANGES,
    mutations_tree.SPELLING_CHANGES,
    mutations_bytes.ALL,
)
# The golden files with the most to change are changed the most.
WEIGHTS = {"third-party": 4, "training": 3, "training-inside-an-epoch": 3}
# Of ten files so many are changed once, twice and three times.
CHANGES = [1] * 7 + [2] * 2 + [3]


class Mutant(NamedTuple):
    """A file, and how it came about."""

    story: str
    data: bytes


def mutant(seed: int) -> Mutant:
    """Return the file of a seed."""
    made = mutated(Random(seed))  # noqa: S311 - nothing secret
    return Mutant(f"seed {seed}: {made.story}", made.data)


def mutated(random: Random) -> Mutant:
    """Return a golden file changed as `random` decides."""
    names = sorted(_golden())
    (name,) = random.choices(names, [WEIGHTS.get(each, 1) for each in names])
    draft: Draft = pickle.loads(_golden()[name])
    done = []
    for stage in sorted(random.choices(range(len(STAGES)), k=random.choice(CHANGES))):
        change = random.choice(STAGES[stage])
        applied = change(draft, random) is not False
        done.append(change.__name__ if applied else f"({change.__name__})")
    return Mutant(f"{name} {' '.join(done)}", draft.built())


@cache
def _golden() -> dict[str, bytes]:
    """Return the golden files taken apart, pickled, since that is the fastest way to a copy."""
    return {path.stem: pickle.dumps(Draft(path.read_bytes())) for path in GOLDEN.glob("*.mlpk")}


if __name__ == "__main__":
    found = mutant(int(sys.argv[1]))
    target = Path(sys.argv[2] if len(sys.argv) > 2 else f"mutant-{sys.argv[1]}.mlpk")
    target.write_bytes(found.data)
    print(f"{target}: {found.story}")  # noqa: T201 - a script
