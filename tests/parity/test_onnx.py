"""Layers against the test cases that the ONNX standard is published with.

onnx_coverage.toml tells which are left out, and why; onnx_images.py and onnx_features.py how the
others are run.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from mlpk import Context

REASON = "needs the extra parity: onnx"
onnx = pytest.importorskip("onnx", reason=REASON)


def beside(name):
    """The module of this name in this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


coverage = beside("onnx_coverage")
if onnx.__version__ != coverage.VERSION:
    pytest.skip(f"{REASON}=={coverage.VERSION}, found {onnx.__version__}", allow_module_level=True)

OPERATORS = beside("onnx_images").OPERATORS | beside("onnx_features").OPERATORS
CASES = coverage.cases()
LEFT_OUT = {name: coverage.left_out(name) for name in coverage.OPERATORS}
RUN = [case for case in CASES if case.name not in LEFT_OUT[case.operator]]


class Run:
    """Runs layers, each alone, in float64 and on scratch full of NaN; `kinds` are those it ran."""

    def __init__(self):
        self.kinds = set()

    def __call__(self, layer, *inputs, training=False, seed=0, **arrays):
        self.kinds |= {layer.kind, getattr(layer, "layer", layer).kind}
        inputs = [x if x.dtype.kind in "iu" else x.astype(np.float64) for x in inputs]
        arrays = {name: np.asarray(array, np.float64) for name, array in arrays.items()}
        declared = layer.declare(*(x.shape[1:] for x in inputs))
        described = {**declared.params, **declared.buffers}
        assert {name: array.shape for name, array in arrays.items()} == {
            name: item.shape for name, item in described.items()
        }
        ctx = Context(np.float64, seed=seed, training=training, spoil=True)
        y, _ = layer.forward(arrays, ctx, *inputs)
        assert y.shape[1:] == declared.output
        return y

    def loss(self, loss, prediction, target):
        self.kinds.add(loss.kind)
        return loss(prediction, target)


def outputs(run, case):
    """The outputs of a case by name."""
    found = OPERATORS[case.operator](run, *case.inputs, **case.attributes)
    return found if isinstance(found, dict) else {next(iter(case.outputs)): found}


@pytest.mark.parametrize("case", RUN, ids=lambda case: case.name.removeprefix("test_"))
def test_outputs_are_those_of_the_standard(case):
    found = outputs(Run(), case)
    wanted = case.outputs.keys() - coverage.OPERATORS[case.operator].get("not_given", ())
    assert wanted
    for name in wanted:
        assert np.shape(found[name]) == np.shape(case.outputs[name])
        np.testing.assert_allclose(found[name], case.outputs[name], rtol=1e-5, atol=1e-6)


def test_the_kinds_of_the_table_are_those_that_run():
    runs = {name: Run() for name in OPERATORS}
    for case in RUN:
        outputs(runs[case.operator], case)
    for name, run in runs.items():
        assert sorted(run.kinds) == coverage.OPERATORS[name]["kinds"]


def test_outputs_that_are_not_given_are_outputs_of_the_cases():
    for name, operator in coverage.OPERATORS.items():
        known = {output for case in CASES if case.operator == name for output in case.outputs}
        assert set(operator.get("not_given", ())) <= known


def test_every_case_that_is_left_out_is_one_of_its_operator():
    for operator, reasons in LEFT_OUT.items():
        names = {case.name for case in CASES if case.operator == operator}
        assert names
        assert reasons.keys() <= names, operator


def test_every_case_has_one_reason():
    for operator in coverage.OPERATORS.values():
        names = [name for listed in operator.get("left_out", {}).values() for name in listed]
        assert sorted(names) == sorted(set(names))


def test_every_operator_of_the_table_can_be_run_or_is_left_out_as_a_whole():
    run = {case.operator for case in RUN}
    assert run == OPERATORS.keys()
    assert coverage.OPERATORS.keys() - run == {"HardSigmoid"}


def test_the_page_tells_what_the_table_tells():
    assert coverage.PAGE.read_text() == coverage.page(), (
        "write the page anew with: python tests/parity/onnx_coverage.py"
    )


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore:.* encountered in:RuntimeWarning")  # as other cases are made
def test_no_other_module_makes_cases_of_these_operators():
    from onnx.backend.test.loader import load_model_tests

    every = filter(None, map(coverage.read, load_model_tests(kind="node")))
    found = {case.name for case in every if case.operator in coverage.OPERATORS}
    assert found == {case.name for case in CASES}
