"""The kit, on everything that comes with mlpk."""

from mlpk.testing import conformance

test_conformance = conformance("mlpk")
