from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np
import pytest

from mlpk import ConfigError
from mlpk.streams import checked_seed, stream


def test_equal_arguments_give_equal_numbers_and_others_give_others() -> None:
    drawn = [
        stream(*given).integers(2**63)
        for given in ((0, "a"), (0, "a", 0), (1, "a"), (0, "b"), (0, "a", 1))
    ]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 4


def test_streams_are_fixed_for_ever() -> None:
    raw = stream(7, "node/dropout", 3).bit_generator.random_raw(2)
    assert raw.tolist() == [6643502302991624047, 10848493311025205590]
    raw = np.random.PCG64((7, crc32(b"node/dropout"), 3)).random_raw(2)
    assert raw.tolist() == [6643502302991624047, 10848493311025205590]


def test_a_seed_is_kept_and_none_draws_one() -> None:
    assert checked_seed(5) == 5
    assert checked_seed(0) == 0
    assert checked_seed(2**63 - 1) == 2**63 - 1
    seed = checked_seed(np.int32(5))
    assert (seed, type(seed)) == (5, int)
    assert checked_seed(None) != checked_seed(None)
    assert 0 <= checked_seed(None) < 2**32


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, True, "1", [1]])
def test_what_is_no_seed_is_refused(seed: Any) -> None:
    with pytest.raises(ConfigError, match=r"^seed: wanted "):
        checked_seed(seed)
