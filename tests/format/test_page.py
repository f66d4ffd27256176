"""What the page on the format says is what the code does, where that can be read off."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest

from mlpk.file.blocks import BLOCK
from mlpk.file.layout import CHUNK, DEFAULTS, DTYPES
from mlpk_schemas.file import FitState, Header, OptimizerState, PluginClaim, TensorEntry, TrainState
from mlpk_schemas.model import InputSpec, ModelSpec, NodeSpec
from mlpk_schemas.tree import MAX_DEPTH

HERE = Path(__file__).parent
LINE = re.compile(r"^ *(\d+)  ((?:[0-9A-F]{2} ?)+)(?:  .*)?$", re.MULTILINE)


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "file-format.md").read_text("utf-8")


def section(page: str, title: str) -> str:
    """Return a section of the page, up to the next title of any level."""
    start = page.index(f"# {title}")
    return page[start : page.find("\n#", start)]


def keys_of(table: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def test_the_example_is_the_golden_file_byte_for_byte(page: str) -> None:
    data = (HERE / "golden" / "dense.mlpk").read_bytes()
    text = section(page, "12. A file, byte by byte")
    found = b""
    for offset, line in LINE.findall(text):
        assert int(offset) == len(found)
        found += bytes.fromhex(line)
    assert found == data
    length = int.from_bytes(data[60:64], "big")
    digest = sha256(data[:25] + data[59 : 64 + length]).hexdigest()
    assert f"sha256:{digest}" in text
    assert f"0 to 24 and 59 to {63 + length}" in text


def test_the_limits_are_the_readers(page: str) -> None:
    table = section(page, "6. Limits")
    for wanted in (
        f"| header | {DEFAULTS.header:,} bytes |",
        f"| depth of the header | {MAX_DEPTH} levels |",
        f"| a text | {DEFAULTS.string:,} bytes |",
        f"| items of an array or a map | {DEFAULTS.items:,} |",
        f"| nodes | {DEFAULTS.nodes:,} |",
        f"| tensors | {DEFAULTS.tensors:,} |",
        f"| a tensor's name | {DEFAULTS.name} bytes |",
        f"| axes of a tensor | {DEFAULTS.rank} |",
        f"| `meta` | {DEFAULTS.meta_entries} pairs, {DEFAULTS.meta_bytes:,} bytes |",
    ):
        assert wanted in table
    assert (DEFAULTS.dimension, DEFAULTS.nbytes) == (2**40, 2**48)
    assert f"{CHUNK:,} bytes" in page
    assert f"{BLOCK:,} bytes" in page


def test_the_dtypes_are_the_readers(page: str) -> None:
    cells = [cell.strip() for cell in section(page, "5. Dtypes").split("|")]
    sizes = {
        name: int(cells[place + 1])
        for place, cell in enumerate(cells)
        for name in re.findall(r"`(\w+)`", cell)
    }
    assert sizes == {name: dtype.itemsize for name, dtype in DTYPES.items()}


@pytest.mark.parametrize(
    ("title", "records"),
    [
        ("3. The header", [Header]),
        ("3.2 `spec`", [ModelSpec, InputSpec, NodeSpec]),
        ("3.4 `plugins`", [PluginClaim]),
        ("3.5 `state`", [TrainState, FitState]),
        ("4.1 The table", [TensorEntry]),
    ],
)
def test_the_keys_are_the_readers(page: str, title: str, records: list[type]) -> None:
    wanted = [key for record in records for key in sorted(record.__mlpk_checks__)]
    assert keys_of(section(page, title)) == wanted


def test_the_keys_of_the_optimizer_are_the_readers(page: str) -> None:
    (row,) = re.findall(r"^\| `optimizer` \|.*$", page, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == {"optimizer", *OptimizerState.__mlpk_checks__}


def test_the_steps_that_name_hostile_files_are_all_there(page: str) -> None:
    text = section(page, "13. Files to test a reader with")
    steps = {path.name.partition("-")[0] for path in (HERE / "hostile").iterdir()}
    assert {step.rstrip("-") for step in re.findall(r"`(\w+-)`", text)} == steps
