"""What is compiled once is not compiled again, and where nothing can be kept it works all the same."""

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("numba")

# Prints how many functions were compiled, and how many came from the disk. Arrays are longer than
# vectors, and no multiple of them, so that it shows where one process computes by other code.
PREDICTING = """
import hashlib, json, sys
import mlpk, mlpk_numba, numpy as np
from mlpk_numba import sharing

mlpk.blas.threads = lambda: 2
sharing.LEAST = 1  # whatever can be is shared, and kept

model = mlpk.Model([mlpk.layers.dense(units=67), "batch_norm", "relu"], input_shape=(37,), seed=0)
x = np.random.default_rng(0).standard_normal((200, 37))
y = model.predict(x)
modules = [module for name, module in sys.modules.items() if name.startswith("mlpk_numba.")]
compiled = {
    each.py_func.__qualname__ + module.__name__: each.stats
    for module in modules for each in vars(module).values() if hasattr(each, "py_func")
}
print(json.dumps([
    sum(sum(stats.cache_misses.values()) for stats in compiled.values()),
    sum(sum(stats.cache_hits.values()) for stats in compiled.values()),
    hashlib.sha256(y.tobytes()).hexdigest(), mlpk_numba.__file__,
]))
"""
TRAINING = PREDICTING.replace(
    "y = model.predict(x)",
    """
model.fit(
    x, np.arange(200) % 3, loss="softmax_cross_entropy", optimizer="adam", epochs=2, progress=False
)
y = model.params["dense/weight"]
""",
)


def test_a_second_process_compiles_nothing(run, tmp_path):
    where = {"NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    first, second = (json.loads(run(TRAINING, **where)) for _ in range(2))
    assert first[0] > 5
    assert second[0] == 0
    assert second[1] > 5
    assert second[2] == first[2]


def copied(folder):
    """Return a copy of the package in a folder."""
    import mlpk_numba

    source, nothing_kept = Path(mlpk_numba.__file__).parent, shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(source, folder / "mlpk_numba", ignore=nothing_kept))


def test_a_change_anywhere_in_the_package_has_all_compiled_anew(run, tmp_path):
    """What is called lies in what is kept of its caller."""
    package = copied(tmp_path / "other")
    where = {"PYTHONPATH": str(package.parent), "NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    counts = [json.loads(run(PREDICTING, **where))[:2]]
    with (package / "column_sums.py").open("a") as file:
        file.write("# changed\n")
    counts.append(json.loads(run(PREDICTING, **where))[:2])
    assert counts[0] == counts[1]
    assert counts[0][0] > 5


def test_it_works_where_nothing_can_be_written(run, tmp_path):
    package = copied(tmp_path / "sealed")
    (package / "__pycache__").touch()  # a file, in which no folder can be made
    nowhere = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "LOCALAPPDATA": "/dev/null"}
    printed = run(PREDICTING, PYTHONPATH=str(package.parent), NUMBA_CACHE_DIR="", **nowhere)
    compiled, kept, _, file = json.loads(printed)
    assert compiled > 5
    assert kept == 0
    assert Path(file).parent == package
