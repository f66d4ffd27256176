"""In which order a save calls the system, as strace sees it."""

from __future__ import annotations

import re

import pytest

SAVE = """
    model = mlpk.Model([mlpk.layers.dense(units, init="zeros")], input_shape=(units,))
    ready()
    model.save(path, durable=durable)
"""
CALLS = "openat,write,writev,pwrite64,pwritev,fsync,fdatasync,rename,renameat,renameat2,mmap"
PRELUDE = r"\334\0\6\304\10MLPK\r"


@pytest.fixture
def calls(forks, strace, tmp_path):
    """Return what gives (call, arguments) of a save over an older file, from `openat` on."""

    def recorded(units, *, durable):
        path = tmp_path / "a.mlpk"
        path.write_bytes(b"old")
        job = forks.start(SAVE, path=str(path), units=units, durable=durable)
        lines = strace.run(job, "-e", f"trace={CALLS}")[1]
        found = [match.groups() for line in lines if (match := re.match(r"(\w+)\((.*)", line))]
        return [
            (call, rest) for call, rest in found if str(tmp_path) in rest and "PROT_" not in rest
        ]

    return recorded


# One buffer; several; several, made by threads while the disk takes what they wrote.
@pytest.mark.parametrize(("units", "early"), [(3, 0), (1000, 0), (2000, 1)])
def test_write_then_fsync_then_rename_then_fsync_of_the_folder(calls, tmp_path, units, early):
    made, *before, synced, renamed, opened, folder = calls(units, durable=True)
    writes = [(call, rest) for call, rest in before if call != "fsync"]
    # Behind the first fsync of a large file come its header and its prelude alone.
    assert [place for place, (call, _) in enumerate(before) if call == "fsync"] == [
        len(before) - 3
    ] * early
    assert made[0] == "openat"
    assert "O_EXCL" in made[1]
    temporary = re.search(rf"{tmp_path}/\.mlpk-[0-9a-f]+", made[1])[0]
    assert len(writes) >= 2
    for call, rest in writes:
        assert "write" in call
        assert f"<{temporary}>" in rest
    assert [PRELUDE in rest for _, rest in writes] == [False] * (len(writes) - 1) + [True]
    assert synced[0] == "fsync"
    assert f"<{temporary}>" in synced[1]
    assert renamed[0].startswith("rename")
    assert f'"{temporary}", ' in renamed[1]
    assert f'"{tmp_path}/a.mlpk"' in renamed[1]
    assert opened[0] == "openat"
    assert folder[0] == "fsync"
    assert f"<{tmp_path}>" in folder[1]


@pytest.mark.parametrize("units", [3, 2000])
def test_without_durable_nothing_is_synced(calls, units):
    made, *writes, renamed = calls(units, durable=False)
    assert made[0] == "openat"
    assert writes
    assert all("write" in call for call, _ in writes)
    assert renamed[0].startswith("rename")
