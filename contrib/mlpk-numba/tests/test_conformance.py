import pytest
from mlpk.testing import conformance

pytest.importorskip("numba")

test_conformance = conformance("mlpk-numba")
