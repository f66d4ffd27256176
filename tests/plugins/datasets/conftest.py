"""Where the datasets' tests find data, and a server of their own instead of the network."""

from __future__ import annotations

import functools
import http.server
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

REAL = os.environ.get("MLPK_DATA")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that MLPK_DATA names."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("MLPK_DATA", str(folder))
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that stands for the user's cache; it is not there yet."""
    pooch = pytest.importorskip("pooch", reason="downloads need the extra 'data'")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache" / "mlpk"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SimpleNamespace]:
    """Serve a folder, empty at first: `url`, `folder`, and the paths that were `asked` for."""
    folder = tmp_path / "served"
    folder.mkdir()
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    handler = functools.partial(Handler, directory=folder)
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield SimpleNamespace(
            url=f"http://127.0.0.1:{running.server_port}", folder=folder, asked=asked
        )
        running.shutdown()
        thread.join()


@pytest.fixture
def no_pooch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pooch look as if it were not installed."""
    monkeypatch.setitem(sys.modules, "pooch", None)


@pytest.fixture(scope="session")
def real() -> Path:
    """Return the folder of the whole datasets."""
    if not REAL:
        pytest.skip("needs the whole datasets: set MLPK_DATA to the folder that has them")
    return Path(REAL)
