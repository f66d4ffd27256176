"""Where files are looked for, in which order, and what is said when there are none."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from mlpk.errors import DataError
from mlpk_plugins.datasets.parts.source import Remote, locate, under_data

NAME = "letters/a.gz"
BYTES = b"the letter a"
# A port that nothing listens on.
NOWHERE = "http://127.0.0.1:1"


def put(root: Path, name: str, data: bytes = BYTES) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def remote(url: str, name: str = NAME) -> Remote:
    return Remote(f"{url}/{name}", hashlib.sha256(BYTES).hexdigest(), name)


def packed(folder: Path, url: str, members: dict[str, bytes]) -> Remote:
    with tarfile.open(folder / "all.tar.gz", mode="w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    digest = hashlib.sha256((folder / "all.tar.gz").read_bytes()).hexdigest()
    return Remote(f"{url}/all.tar.gz", digest, "all.tar.gz", tuple(members))


@pytest.mark.parametrize("wanted", ["letters/a", "letters/a.gz"])
@pytest.mark.parametrize("there", ["letters/a", "letters/a.gz"])
def test_under_data_takes_both_names(data: Path, wanted: str, there: str) -> None:
    assert under_data(wanted) is None
    path = put(data, there)
    assert under_data(wanted) == path


def test_under_data_prefers_the_file_that_needs_no_unpacking(data: Path) -> None:
    put(data, "letters/a.gz")
    plain = put(data, "letters/a")
    assert under_data("letters/a.gz") == plain


def test_a_folder_is_no_file(data: Path) -> None:
    (data / "letters" / "a").mkdir(parents=True)
    assert under_data("letters/a") is None


@pytest.mark.parametrize("value", [None, ""])
def test_without_the_variable_nothing_is_under_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    put(tmp_path, "letters/a")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLPK_DATA", raising=False)
    if value is not None:
        monkeypatch.setenv("MLPK_DATA", value)
    assert under_data("letters/a") is None


def test_the_variable_must_name_a_folder(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPK_DATA", str(data / "typo"))
    with pytest.raises(DataError, match=r"MLPK_DATA names .*typo, which is not a folder"):
        under_data("letters/a")


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, "data/letters/a")
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setenv("MLPK_DATA", "~/data")
    assert under_data("letters/a") == path


@pytest.mark.usefixtures("no_pooch")
def test_what_is_under_data_needs_no_pooch(data: Path) -> None:
    path = put(data, NAME)
    assert locate([NAME], [remote(NOWHERE)]) == [path]


def test_data_comes_first_then_the_cache_then_the_server(
    data: Path, cache: Path, server: SimpleNamespace
) -> None:
    names = ["letters/a.gz", "letters/b.gz", "letters/c.gz"]
    for name in names:
        put(server.folder, name)
    put(cache, "letters/a.gz")
    cached = put(cache, "letters/b.gz")
    own = put(data, "letters/a.gz")

    found = locate(names, [remote(server.url, name) for name in names])

    assert found == [own, cached, cache / "letters" / "c.gz"]
    assert found[2].read_bytes() == BYTES
    assert server.asked == ["/letters/c.gz"]


@pytest.mark.usefixtures("data")
def test_what_was_downloaded_needs_no_server(cache: Path, server: SimpleNamespace) -> None:
    put(server.folder, NAME)
    for url in (server.url, NOWHERE):
        assert locate([NAME], [remote(url)]) == [cache / NAME]


@pytest.mark.usefixtures("data")
def test_a_damaged_file_in_the_cache_is_downloaded_again(
    cache: Path, server: SimpleNamespace
) -> None:
    put(server.folder, NAME)
    damaged = put(cache, NAME, b"the letter")
    assert locate([NAME], [remote(server.url)]) == [damaged]
    assert damaged.read_bytes() == BYTES


@pytest.mark.usefixtures("data")
def test_another_file_on_the_server_is_refused(cache: Path, server: SimpleNamespace) -> None:
    put(server.folder, NAME, b"something else")
    with pytest.raises(DataError, match=r"a\.gz could not be downloaded .*SHA256 hash"):
        locate([NAME], [remote(server.url)])
    assert [path for path in cache.rglob("*") if path.is_file()] == []


@pytest.mark.usefixtures("data", "cache")
def test_a_server_that_does_not_answer_is_one_error() -> None:
    with pytest.raises(DataError) as caught:
        locate([NAME], [remote(NOWHERE)])
    message = str(caught.value)
    assert f"{NOWHERE}/{NAME} could not be downloaded" in message
    assert "set MLPK_DATA to a folder that has the files letters/a.gz" in message
    assert "\n" not in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.usefixtures("data", "cache")
def test_a_server_that_has_not_got_it_is_one_error(server: SimpleNamespace) -> None:
    with pytest.raises(DataError, match=r"could not be downloaded .*404"):
        locate([NAME], [remote(server.url)])


@pytest.mark.usefixtures("data")
def test_a_cache_that_cannot_be_written_is_one_error(cache: Path, server: SimpleNamespace) -> None:
    put(server.folder, NAME)
    put(cache, "letters", b"a file where the folder should be")
    with pytest.raises(DataError, match="could not be downloaded"):
        locate([NAME], [remote(server.url)])


def test_an_archive_is_unpacked_and_downloaded_once(
    data: Path, cache: Path, server: SimpleNamespace
) -> None:
    source = packed(
        server.folder,
        server.url,
        {"letters/a.bin": b"a", "letters/b.bin": b"b", "letters/c.bin": b"c"},
    )
    own = put(data, "letters/b.bin.gz")
    names = ["letters/c.bin", "letters/b.bin", "letters/a.bin"]

    for _ in range(2):
        last, middle, first = locate(names, [source])
        assert middle == own
        assert (first, first.read_bytes()) == (cache / "letters" / "a.bin", b"a")
        assert (last, last.read_bytes()) == (cache / "letters" / "c.bin", b"c")
    assert server.asked == ["/all.tar.gz"]


@pytest.mark.usefixtures("data", "cache")
def test_only_what_brings_a_missing_file_is_downloaded(server: SimpleNamespace) -> None:
    put(server.folder, NAME)
    source = packed(server.folder, server.url, {"letters/z.bin": b"z"})
    locate([NAME], [source, remote(server.url)])
    assert server.asked == [f"/{NAME}"]


@pytest.mark.usefixtures("no_pooch")
def test_without_pooch_the_ways_out_are_told(data: Path) -> None:
    put(data, "letters/b.gz")
    names = ["letters/a.gz", "letters/b.gz", "letters/c.gz"]
    with pytest.raises(DataError) as caught:
        locate(names, [remote(NOWHERE, name) for name in names])
    message = str(caught.value)
    assert message.startswith(
        f"wanted the files letters/a.gz, letters/c.gz; found no such files under {data}:"
    )
    assert "set MLPK_DATA to a folder that has them" in message
    assert 'python -m pip install "mlpk[data]"' in message


@pytest.mark.usefixtures("no_pooch")
def test_without_pooch_and_variable_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLPK_DATA", raising=False)
    with pytest.raises(DataError, match=r"wanted the files letters/a\.gz; found MLPK_DATA not set"):
        locate([NAME], [remote(NOWHERE)])
