"""BLAS is asked for its threads, and held to one as long as somebody wants that."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from ctypes import CFUNCTYPE, c_double, c_float, c_int, c_int32, c_int64, c_void_p

import numpy as np
import pytest

from mlpk import blas


class Holder:
    """Whoever wants BLAS in one thread."""

    def __del__(self) -> None:
        blas.let_go(self)


WITHOUT = "this NumPy multiplies matrices with another library than OpenBLAS"


def threads_of(environment: dict[str, str], code: str = "") -> str:
    """Return what a fresh process has to say of its threads."""
    said = f"from mlpk import blas\n{code}\nprint(blas.threads())"
    done = subprocess.run(
        [sys.executable, "-c", said],
        capture_output=True, text=True, check=True, env={**os.environ, **environment},
    )  # fmt: skip
    return done.stdout.strip()


def test_the_environment_says_how_many_threads_there_are() -> None:
    if blas._openblas() is None:
        pytest.skip(WITHOUT)
    assert threads_of({"OPENBLAS_NUM_THREADS": "1"}) == "1"
    assert threads_of({"OPENBLAS_NUM_THREADS": "2"}) == str(min(2, os.cpu_count() or 1))


@pytest.mark.parametrize(("dtype", "real"), [("float32", c_float), ("float64", c_double)])
def test_the_product_is_where_it_says(dtype: str, real: type) -> None:
    """Called by its address, it makes of [[1, 2], [3, 4]] and [[5, 6], [7, 8]] what it should."""
    found = blas.gemm(np.dtype(dtype))
    if found is None:
        pytest.skip(WITHOUT)
    integer = c_int64 if found.wide else c_int32
    kind = CFUNCTYPE(
        None, c_int, c_int, c_int, integer, integer, integer,
        real, c_void_p, integer, c_void_p, integer, real, c_void_p, integer,
    )  # fmt: skip
    a, b, out = (
        np.array(rows, dtype) for rows in ([[1, 2], [3, 4]], [[5, 6], [7, 8]], [[0, 0]] * 2)
    )
    where = (each.ctypes.data for each in (a, b, out))
    row_major, as_it_lies = 101, 111
    kind(found.address)(
        row_major,
        as_it_lies,
        as_it_lies,
        2,
        2,
        2,
        1,
        next(where),
        2,
        next(where),
        2,
        0,
        next(where),
        2,
    )
    np.testing.assert_array_equal(out, [[19, 22], [43, 50]])


def test_of_other_numbers_there_is_no_product() -> None:
    assert blas.gemm(np.dtype("float16")) is None


def test_without_openblas_there_is_one_thread() -> None:
    blind = "blas._libraries = lambda: iter(())\nblas.hold(blas)\nblas.let_go(blas)"
    assert threads_of({"OPENBLAS_NUM_THREADS": "2"}, blind) == "1"
    product = "import numpy\nblas.threads = lambda: blas.gemm(numpy.dtype('float32'))"
    assert threads_of({}, f"{blind}\n{product}") == "None"


@pytest.mark.usefixtures("three_threads")
def test_blas_is_held_until_the_last_holder_lets_go() -> None:
    openblas = blas._openblas()
    assert openblas is not None
    one, other = Holder(), Holder()
    for holder in (one, one, other):
        blas.hold(holder)
        assert openblas.get() == 1
    assert blas.threads() == 3
    blas.let_go(one)
    assert openblas.get() == 1
    for _ in range(2):
        blas.let_go(other)
        assert openblas.get() == 3
        assert blas.threads() == 3


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("call", [blas.hold, blas.let_go])
@pytest.mark.parametrize("cut", ["before", "behind"])
def test_an_interrupt_is_made_up_for_by_the_next_holder(
    call: Callable[[object], None], cut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    openblas = blas._openblas()
    assert openblas is not None
    holder = Holder()
    if call is blas.let_go:
        blas.hold(holder)

    def interrupted(count: int) -> None:
        if cut == "behind":
            openblas.set(count)
        raise KeyboardInterrupt

    monkeypatch.setattr(blas, "_openblas", lambda: openblas._replace(set=interrupted))
    with pytest.raises(KeyboardInterrupt):
        call(holder)
    monkeypatch.undo()
    del holder
    other = Holder()
    blas.hold(other)
    assert (openblas.get(), blas.threads()) == (1, 3)
    blas.let_go(other)
    assert (openblas.get(), blas.threads()) == (3, 3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_has_all_threads_though_its_parent_held_them() -> None:
    if blas._openblas() is None:
        pytest.skip(WITHOUT)
    code = """
import os, warnings
warnings.simplefilter("ignore")
class Holder: pass
holder = Holder()
blas.hold(holder)
blas._lock.acquire()
child = os.fork()
if child == 0:
    other = Holder()
    blas.hold(other)
    blas.let_go(other)
    os._exit(blas._openblas().get())
blas._lock.release()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == blas.threads()
"""
    assert threads_of({"OPENBLAS_NUM_THREADS": "2"}, code) == str(min(2, os.cpu_count() or 1))
