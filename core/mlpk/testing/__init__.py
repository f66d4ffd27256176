"""The conformance kit: what every kind has to keep, for first-party plugins and everyone's.

A plugin's whole test file is

    from mlpk.testing import conformance
    test_conformance = conformance("mlpk-swish")

and `mlpk check mlpk-swish` runs the same without pytest.
"""

from mlpk.testing.case import Case, Outcome
from mlpk.testing.kit import cases, conformance

__all__ = ["Case", "Outcome", "cases", "conformance"]
