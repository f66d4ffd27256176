"""The cases of the ONNX standard, and the page docs/onnx-coverage.md, which running this writes.

What stands in onnx_coverage.toml beside this file says which cases are left out, and why.
"""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from onnx.backend.test.case import node as nodes
from onnx.helper import get_attribute_value

PAGE = Path(__file__).parents[2] / "docs" / "onnx-coverage.md"
OPERATORS: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text()
)
VERSION = OPERATORS.pop("onnx")

INTRODUCTION = f"""\
# Coverage of the ONNX standard

The [ONNX](https://onnx.ai) standard is published with test cases for each of its operators:
arrays that go in, arrays that have to come out. `tests/parity/test_onnx.py` runs mlpk's layers on
those of ONNX {VERSION} in float64 and compares to 1e-5 relative, 1e-6 absolute. Arrays are turned
into mlpk's layout first: channels to the end, kernels and gates into mlpk's order. A case whose
attributes mlpk does not have is left out, and named below with the reason. Outputs that mlpk does
not give are not compared; the remarks name them.

This page is written by `python tests/parity/onnx_coverage.py`; a test holds it against the cases.
"""


class Case(NamedTuple):
    """One case; None stands for an input or output that it does not use."""

    name: str
    operator: str
    attributes: dict[str, Any]
    inputs: tuple[Any, ...]
    outputs: dict[str, Any]


def read(made: Any) -> Case | None:
    """Return a case, or None for the form of a case in which other operators make up its own."""
    if len(made.model.graph.node) != 1 or made.name.endswith("_expanded"):
        return None
    (node,) = made.model.graph.node
    ((inputs, outputs),) = made.data_sets
    given = iter(inputs)
    wanted = [name for name in node.output if name]
    return Case(
        made.name,
        node.op_type,
        {attribute.name: _plain(attribute) for attribute in node.attribute},
        tuple(next(given) if name else None for name in node.input),
        dict(zip(wanted, outputs, strict=True)),
    )


def cases() -> list[Case]:
    """Return all cases of the operators in the table."""
    for operator in OPERATORS.values():
        import_module(f"{nodes.__name__}.{operator['cases']}")
    found = filter(None, map(read, nodes._NodeTestCases))
    return [case for case in found if case.operator in OPERATORS]


def left_out(operator: str) -> dict[str, str]:
    """Return the reason for each case of an operator that is not run."""
    reasons = OPERATORS[operator].get("left_out", {})
    return {name: reason for reason, names in reasons.items() for name in names}


def page() -> str:
    """Return the text of the page."""
    every = cases()
    count = {name: sum(case.operator == name for case in every) for name in OPERATORS}
    skipped = {name: len(left_out(name)) for name in OPERATORS}
    total = sum(count.values()) - sum(skipped.values())
    lines = [
        INTRODUCTION,
        f"{len(OPERATORS)} operators, {total} cases run, {sum(skipped.values())} left out.",
        "",
        "| operator | mlpk | run | left out | remarks |",
        "|---|---|---|---|---|",
    ]
    for name, operator in OPERATORS.items():
        kinds = ", ".join(f"`{kind}`" for kind in operator["kinds"])
        remarks = " ".join(filter(None, (operator.get("how"), _absent(operator))))
        run = count[name] - skipped[name]
        lines.append(f"| {name} | {kinds} | {run} | {skipped[name]} | {remarks} |")
    lines += ["", "## Left out"]
    for name, operator in OPERATORS.items():
        if "left_out" in operator:
            lines += ["", f"### {name}", ""]
        for reason, names in operator.get("left_out", {}).items():
            lines.append(f"- {reason} {', '.join(f'`{case}`' for case in names)}")
    return "\n".join(lines) + "\n"


def _plain(attribute: Any) -> Any:
    value = get_attribute_value(attribute)
    return value.decode() if isinstance(value, bytes) else value


def _absent(operator: dict[str, Any]) -> str | None:
    names = " and ".join(f"`{name}`" for name in operator.get("not_given", ()))
    return f"Not given: {names}." if names else None


if __name__ == "__main__":
    PAGE.write_text(page())
