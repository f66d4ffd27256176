"""The kit: which cases it makes, and what it says."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import Declaration, Example, Layer, Loss, PluginError, define
from mlpk.staging import FAMILIES
from mlpk.testing import cases, conformance
from mlpk.testing.kit import CHECKS


class Negated(Layer):
    """y = -x, right unless a method is changed."""

    def declare(self, x):
        return Declaration(x)

    def forward(self, arrays, ctx, x):
        return np.negative(x, out=ctx.empty("y", x.shape)), None

    def backward(self, arrays, ctx, saved, doutput, grads):
        return np.negative(doutput, out=ctx.empty("dx", doutput.shape))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,))


@define
class Right(Negated):
    kind: ClassVar[str] = "right"


@define
class WrongSign(Negated):
    kind: ClassVar[str] = "wrong_sign"

    def backward(self, arrays, ctx, saved, doutput, grads):
        return doutput


@define
class NoExamples(Negated):
    kind: ClassVar[str] = "no_examples"

    @classmethod
    def examples(cls) -> Iterator[Example]:
        return iter(())


def test_a_failure_says_where_and_by_how_much(failed):
    failed(WrongSign)
    case = next(case for case in cases("_local") if str(case).endswith("with_differences"))
    assert str(case) == "_local:wrong_sign-0-gradients_agree_with_differences"
    with pytest.raises(
        AssertionError, match=r"gradient of the input x0 in training: off by .* at \("
    ):
        case.run()


def test_a_kind_without_examples_is_no_kind_that_passed(failed):
    with pytest.raises(PluginError, match="'_local:no_examples' has no examples"):
        failed(NoExamples)


@define
class NoPair(Loss):
    """A loss whose examples are those of any kind: one made without arguments."""

    kind: ClassVar[str] = "no_pair"

    def forward(self, ctx, prediction, target, weight=None):
        return float(np.mean(prediction - target)), prediction

    def backward(self, ctx, saved):
        return np.full_like(saved, 1 / saved.size)


@define
class OneDrawn(NoPair):
    """Draws a prediction, and no target."""

    kind: ClassVar[str] = "one_drawn"

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), draw=lambda rng, n: rng.standard_normal((n, 2)))


def test_a_loss_without_examples_of_its_own_is_told_what_to_write(failed):
    sentence = "'_local:no_pair' has no examples of a prediction and a target, .* Example.*draw"
    with pytest.raises(PluginError, match=sentence):
        failed(NoPair)


def test_an_example_that_draws_one_array_of_two_is_told(failed):
    failed(OneDrawn)
    with pytest.raises(AssertionError, match="a prediction and a target, drawn were 1 arrays"):
        cases("_local")[0].run()


def test_a_distribution_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(
        PluginError, match="no active plugin is called 'nope', and none is"
    ) as caught:
        conformance("nope")
    assert "Active are: mlpk" in str(caught.value)
    assert caught.value.dist == "nope"


def test_the_kit_is_a_parametrised_pytest_function(failed):
    failed(Right)
    function = conformance("_local")
    (mark,) = function.pytestmark
    assert mark.name == "parametrize"
    made = [each.values[0] for each in mark.args[1]]
    assert [str(case) for case in made] == [each.id for each in mark.args[1]]
    assert [str(case) for case in made] == [str(case) for case in cases("_local")]
    for case in made:
        if not case.run():
            function(case)


def test_what_does_not_apply_is_skipped_with_its_reason(failed):
    failed(Right)
    function = conformance("_local")
    case = next(each for each in cases("_local") if "adjoint" in str(each))
    assert case.run() == "the example is not called linear"
    assert case.outcome().state == "skipped"
    with pytest.raises(pytest.skip.Exception) as caught:
        function(case)
    assert str(caught.value) == "adjoint_at_full_size: the example is not called linear"


def test_a_case_says_what_it_wants(failed):
    failed(Right)
    for case in [*cases("_local"), *cases("mlpk")]:
        assert case.wants.endswith("."), case
        assert case.family in FAMILIES


def test_any_spelling_of_the_name_will_do():
    assert list(map(str, cases("MLPK"))) == list(map(str, cases("mlpk")))


def test_every_check_runs_on_every_example_of_first_party_kinds():
    made = cases("mlpk")
    kinds = {case.kind for case in made}
    for family in CHECKS:
        assert set(getattr(mlpk, family)) <= kinds
    dense = [case for case in made if case.kind == "dense"]
    assert {case.number for case in dense} == set(range(len(list(mlpk.layers.dense.examples()))))


def test_data_sets_are_counted_as_not_checked():
    made = [case for case in cases("mlpk") if case.family == "datasets"]
    assert {case.kind for case in made} == set(mlpk.datasets)
    said = {case.outcome().message for case in made}
    assert said == {"the kit has no checks for data sets and commands"}


@pytest.mark.parametrize("family", CHECKS)
def test_each_check_applies_to_something_of_mlpk(family):
    """A skip of one kind hides no check altogether."""
    made = [case for case in cases("mlpk") if case.family == family]
    for check in CHECKS[family]:
        assert any(not case.run() for case in made if case.check is check), check.__name__
