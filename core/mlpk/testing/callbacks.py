"""What every callback has to keep."""

from __future__ import annotations

import inspect
import io
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from copy import deepcopy
from typing import Any

from mlpk.example import Example
from mlpk.testing.going_on import goes_on_with
from mlpk.testing.inapplicable import InapplicableError
from mlpk.training.callbacks import Callbacks

__all__ = ["CHECKS", "examples"]


def hooks_are_heard(example: Example) -> None:
    """A run takes it: its hooks have the right names and markers, and its state both halves."""
    taken = Callbacks([_made(example)], progress=False, checkpoint=None)
    taken.refuse_stateless()


def run_goes_on_exactly(example: Example) -> None:
    """A run with it that was stopped, saved and resumed is one in one go: its state is all told."""
    _made(example)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        goes_on_with(lambda: _made(example))


CHECKS = (hooks_are_heard, run_goes_on_exactly)


def examples(thing: Any) -> Iterator[Example]:
    """Yield the examples of a callback's class: its own, or one made without arguments."""
    if hasattr(thing, "examples"):
        yield from thing.examples()
    elif _wanted(thing):
        yield Example(thing)
    else:
        yield Example(thing())


def _made(example: Example) -> Any:
    """Return a callback that no run has used."""
    instance: Any = example.instance
    if isinstance(instance, type):
        wanted = ", ".join(_wanted(instance))
        raise InapplicableError(
            f"it cannot be made without arguments ({wanted}), and has no examples()"
        )
    return deepcopy(instance)


def _wanted(thing: type) -> list[str]:
    return [
        name
        for name, parameter in inspect.signature(thing).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
