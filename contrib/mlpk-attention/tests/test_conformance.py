from mlpk.testing import conformance

test_conformance = conformance("mlpk-attention")
