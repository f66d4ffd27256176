"""Matrix products in parts are matrix products."""

import numpy as np
import pytest

from mlpk_plugins.layers.parts.products import part, product


@pytest.mark.parametrize(
    ("multiply_adds", "rows"),
    [
        (1, 10**6),
        (288 * 32, 104),  # 108.5, in whole eights
        (576 * 64, 24),
        (1152 * 128, None),  # 6.8, for which packing is not worth leaving out
    ],
)
def test_a_part_is_whole_eights_of_rows_within_a_million(multiply_adds, rows):
    assert part(multiply_adds) == rows


def test_few_rows_are_no_part():
    assert part(64 * 64, 240) == 240
    assert part(64 * 64, 241) is None


@pytest.mark.parametrize("rows", [0, 1, 23, 104, 105, 312, 500])
@pytest.mark.parametrize(("k", "n"), [(288, 32), (5, 3), (1152, 128)])
def test_a_product_is_the_sum_of_products(rows, k, n):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, rows, k)), rng.standard_normal((2, k, n))
    out = np.full((rows, 2, n), np.nan).swapaxes(0, 1)  # groups side by side, as in an image
    product(a, b, out)
    np.testing.assert_allclose(out, np.einsum("grk,gkn->grn", a, b), rtol=1e-10, atol=1e-10)


def test_rows_may_lie_apart():
    a, b = np.ones((1, 600, 300)), np.ones((1, 300, 32))
    whole = np.zeros((1, 600, 40))
    product(a, b, whole[..., 4:36])
    assert (whole[..., 4:36] == 300).all()
    assert not whole[..., :4].any()
    assert not whole[..., 36:].any()
