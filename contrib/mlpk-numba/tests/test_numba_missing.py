"""What happens before numba is needed, and where it is not there."""

import mlpk
import pytest
from mlpk.errors import PluginWarning

import mlpk_numba

HIDDEN = """
import sys, warnings

sys.modules["numba"] = None  # import numba then raises ModuleNotFoundError
import mlpk, numpy as np

def trained():
    model = mlpk.Model([mlpk.layers.dense(units=3), "relu", "batch_norm"], input_shape=(2,), seed=0)
    x = np.random.default_rng(0).standard_normal((8, 2))
    model.fit(
        x, np.arange(8) % 3, loss="softmax_cross_entropy", optimizer="adam", epochs=2,
        progress=False,
    )
    return model.params["dense/weight"].tobytes()

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    once = trained()
    assert trained() == once
with mlpk.use("numpy"):
    assert trained() == once
(warning,) = caught
print(warning.category.__name__, warning.message)
"""


@pytest.mark.parametrize(
    "code",
    [
        "import mlpk; list(mlpk.layers)",
        "import mlpk; mlpk.plugins.records()",
        "import mlpk; mlpk.Model(['relu'], input_shape=(2,), seed=0)",
    ],
)
def test_numba_is_not_imported_before_something_is_computed(code, run):
    loaded = "; import sys; print('mlpk_numba' in sys.modules, 'numba' in sys.modules)"
    assert run(code + loaded).split()[1] == "False"


def test_without_numba_the_plain_one_computes_after_one_warning(run):
    category, _, message = run(HIDDEN).partition(" ")
    assert category == PluginWarning.__name__
    assert "numba cannot be imported" in message
    assert "python -m pip install numba" in message
    assert "MLPK_IMPLEMENTATION=numpy" in message


def test_the_plain_ones_may_be_chosen_without_a_word(run):
    code = HIDDEN.replace("(warning,) = caught", "assert not caught").replace(
        "print(warning.category.__name__, warning.message)", "print('silent')"
    )
    assert run(code, MLPK_IMPLEMENTATION="numpy") == "silent"


@pytest.mark.parametrize("implementation", mlpk_numba.mlpk_implementations(), ids=lambda i: i.kind)
def test_each_implements_a_kind_of_mlpk_s_own(implementation):
    kind = implementation.kind
    family = "optimizers" if implementation.update else "losses" if "entropy" in kind else "layers"
    assert getattr(mlpk, family)[kind].kind == kind
