"""Write kit.md: every check of the conformance kit, from the kit itself.

Run it with `python docs/plugins/kit.py` after a check was added or changed.
"""

from __future__ import annotations

from pathlib import Path

from mlpk.testing import implementations
from mlpk.testing.case import Check
from mlpk.testing.kit import CHECKS, some_example_is_served

# Of whatever family, a first check looks at all examples of the kind.
FASTER = {
    family: (some_example_is_served, *checks) for family, checks in implementations.CHECKS.items()
}
HEAD = """# The conformance kit

A plugin's whole test file is

```python
from mlpk.testing import conformance

test_conformance = conformance("mlpk-swish")
```

a parametrised pytest function: every check times every example of every kind that the distribution
brings. Without pytest, `mlpk check mlpk-swish` does the same and prints a report: a row a kind, what was
skipped and why, and for each failure the check, what it wanted, the example and what was found.
`--verbose` names every check and shows tracebacks, `--json` is for programs. The exit status is 0, 1 if
anything failed, 2 if there is no such plugin.

A case is called `mlpk-swish:swish-0-gradients_agree_with_differences`: kind, number of the example,
check. `mlpk.testing.cases("mlpk-swish")` lists them, `"_local"` those of kinds that were added by hand;
each has a `run()`, which raises what is wrong, and an `outcome()`, which tells it.

## What is skipped, and what is known to fail

A check that does not apply to an example, such as one of buffers for a layer without any, counts as
skipped, with its reason; it never counts as passed. A failure that is known is declared, with the reason:

```python
test_conformance = conformance(
    "mlpk-swish",
    known={
        "swish-memory_stays_steady": "the library it calls makes its output anew",   # every example
        "swish-1-float32_follows_float64": "cancels where x is large",                  # one example
    },
)
```

pytest shows it as expected (`xfail`). A declared failure that passes, or that does not apply, fails:
take it out. A name that no case has is an error. On the command line it is `mlpk check mlpk-swish --known
"swish-memory_stays_steady=the library it calls makes its output anew"`.

## How it looks

Layers run on scratch memory filled with NaN, in float64 where gradients are compared with central
differences. Core computes with NumPy's floating-point warnings off, so that infinities in the data show
in the results and nowhere else; the kit leaves them on. A step may take no memory that grows with the
batch, beside `ctx.empty`: write `np.multiply(x, 2, out=ctx.empty("y", x.shape))`, not `x * 2`. An index
or a weight for each row passes, and so do pieces of a fixed size.

Layers, optimizers, schedules and callbacks are also trained in a small network, once in one go and once
stopped, saved and resumed: every bit must be the same. State that is kept anywhere but in parameters,
buffers, slots and `state()` shows there.

Kinds are checked with their own methods, whatever [implementation](implementations.md) is in force. An
implementation is run beside those methods on the examples of its kind, each in float32 and in float64,
and what comes out has to agree as far as rounding lets it: 1e-5 of the largest value in float32, 1e-12
in float64, ten times that on many values or far ones. Where `serves` leaves an example to the plain
methods, its checks count as skipped, and so does an implementation of a kind that is not active here.

## The checks

Data sets, which may have to load what they return, and commands have none, and count as skipped. So do
the migrations of a kind: no file of an earlier schema is at hand, so [keep one in your
tests](migrations.md#a-test-of-a-migration). The tables are written by `python docs/plugins/kit.py`.
"""


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    every = {
        **CHECKS,
        **{f"implementations of {family}": checks for family, checks in FASTER.items()},
    }
    for family, checks in every.items():
        rows = [f"| `{check.__name__}` | {_sentence(check)} |" for check in checks]
        parts.append(f"\n### {family.capitalize()}\n\n| check | what holds |\n|---|---|\n")
        parts.append("\n".join(rows) + "\n")
    return "".join(parts)


def _sentence(check: Check) -> str:
    return " ".join((check.__doc__ or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    Path(__file__).with_name("kit.md").write_text(page(), encoding="utf-8")
