"""Every check of mlpk's kit, on every example of every kind that this plugin brings."""

from mlpk.testing import conformance

test_conformance = conformance("mlpk-swish")
