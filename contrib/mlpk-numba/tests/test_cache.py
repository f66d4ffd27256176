"""What is compiled once is not compiled again, and where nothing can be kept it works all the same."""

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("numba")

# Prints how many functions were compiled, and how many came from the disk.
TRAINING = """
import hashlib, json, sys
import mlpk, numpy as np

model = mlpk.Model([mlpk.layers.dense(units=67), "batch_norm", "relu"], input_shape=(37,), seed=0)
x = np.random.default_rng(0).standard_normal((200, 37))
model.fit(
    x, np.arange(200) % 3, loss="softmax_cross_entropy", optimizer="adam", epochs=2, progress=False
)
modules = [module for name, module in sys.modules.items() if name.startswith("mlpk_numba.")]
compiled = {
    each.py_func.__qualname__ + module.__name__: each.stats
    for module in modules for each in vars(module).values() if hasattr(each, "py_func")
}
print(json.dumps([
    sum(sum(stats.cache_misses.values()) for stats in compiled.values()),
    sum(sum(stats.cache_hits.values()) for stats in compiled.values()),
    hashlib.sha256(model.params["dense/weight"].tobytes()).hexdigest(), mlpk_numba.__file__,
]))
""".replace("import mlpk, numpy", "import mlpk, mlpk_numba, numpy")


def test_a_second_process_compiles_nothing(run, tmp_path):
    where = {"NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    first, second = (json.loads(run(TRAINING, **where)) for _ in range(2))
    assert first[0] > 5
    assert second[0] == 0
    assert second[1] > 5
    assert second[2] == first[2]


def test_it_works_where_nothing_can_be_written(run, tmp_path):
    import mlpk_numba

    package = tmp_path / "sealed" / "mlpk_numba"
    shutil.copytree(
        Path(mlpk_numba.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    (package / "__pycache__").touch()  # a file, in which no folder can be made
    nowhere = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "LOCALAPPDATA": "/dev/null"}
    printed = run(TRAINING, PYTHONPATH=str(package.parent), NUMBA_CACHE_DIR="", **nowhere)
    compiled, kept, _, file = json.loads(printed)
    assert compiled > 5
    assert kept == 0
    assert Path(file).parent == package
