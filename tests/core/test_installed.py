from __future__ import annotations

import json
import sys
from collections import Counter
from importlib import metadata
from pathlib import Path

import pytest

from mlpk.errors import PluginError
from mlpk.installed import installed, is_name, normalised


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is all of sys.path, twice."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path)])
    return tmp_path


def write(site: Path, folder: str, points: str, **more: str) -> Path:
    info = site / f"{folder}.dist-info"
    info.mkdir()
    name, _, version = folder.rpartition("-")
    told = {"METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", **more}
    for file, text in {**told, "entry_points.txt": points}.items():
        (info / file).write_text(text, "utf-8")
    return info


def test_distributions_with_entry_points_of_the_group_are_found_once(site: Path) -> None:
    write(
        site, "Acme.Gates-2.1", "[console_scripts]\nx = y:z\n[mlpk]\nb = b\n# no\n; no\na = a : c\n"
    )
    write(site, "other-1.0", "[console_scripts]\nmlpk = y:z\n[mlpk.more]\na = b\n")
    write(site, "empty-1.0", "[mlpk]\n")
    write(site, "foreign-1.0", "[other]\nthis is no entry point\n")
    (found,) = installed()
    assert (found.name, found.dist, found.version) == ("Acme.Gates", "acme-gates", "2.1")
    assert [(point.name, point.value) for point in found.points] == [("b", "b"), ("a", "a : c")]
    assert found.modules == {"a", "b"}
    assert found.place == str(site)
    assert found.problem == ""


def test_each_file_is_read_once(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("acme", "beta"):
        write(site, f"{name}-1.0", "[mlpk]\na = a\nb = b\n")
    write(site, "other-1.0", "[other]\na = a\n")
    reads: Counter[str] = Counter()
    read = metadata.PathDistribution.read_text

    def counted(self: metadata.PathDistribution, file: str) -> str | None:
        reads[file] += 1
        return read(self, file)

    monkeypatch.setattr(metadata.PathDistribution, "read_text", counted)
    assert len(installed()) == 2
    assert reads == {"entry_points.txt": 3, "METADATA": 2}


@pytest.mark.parametrize(
    ("points", "problem"),
    [
        ("[mlpk]\na\n", "wanted name = module, found 'a' (str)"),
        ("[mlpk]\na = \n", "wanted name = module, found 'a = ' (str)"),
        ("[mlpk]\na = 3d\n", "wanted name = module, found 'a = 3d' (str)"),
        ("[mlpk]\na = b c\n", "wanted name = module, found 'a = b c' (str)"),
        ("[mlpk]\na = b\n[x]\n[mlpk]\na = c\n", "entry_points.txt has 'a' (str) twice"),
    ],
)
def test_entry_points_that_are_none(site: Path, points: str, problem: str) -> None:
    write(site, "acme-1.0", points)
    (found,) = installed()
    assert problem in found.problem
    with pytest.raises(PluginError, match="install it again, or delete what is left") as caught:
        list(found.load())
    assert caught.value.dist == "acme"
    assert found.problem in str(caught.value)


@pytest.mark.parametrize("name", ["", "-acme", "a:b", "acm\u00e9", "a b", "a/b", "\u212aelvin"])
def test_a_name_that_no_distribution_may_have(site: Path, name: str) -> None:
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    write(site, "acme-1.0", "[mlpk]\na = a\n", METADATA=text)
    (found,) = installed()
    assert not is_name(name)
    assert found.dist == "(acme-1.0.dist-info)"
    assert "METADATA has no name for a distribution, found " in found.problem
    assert "\u212a" not in found.problem


def test_names_are_compared_without_regard_to_spelling() -> None:
    assert {normalised(name) for name in ("Acme.Gates", "acme_gates", "ACME-._gates")} == {
        "acme-gates"
    }
    assert is_name("Acme._-3")
    assert is_name("a")
    assert not is_name("acme_")


def test_a_package_is_held_by_the_distribution_that_it_was_copied_or_linked_from(
    site: Path, tmp_path: Path
) -> None:
    sources = tmp_path / "a folder" / "core" / "mlpk"
    sources.mkdir(parents=True)
    (site / "mlpk").mkdir()
    origin = json.dumps({"url": sources.parents[1].as_uri(), "dir_info": {"editable": True}})
    write(site, "mlpk-1.0", "[mlpk]\na = a\n", **{"direct_url.json": origin})
    (found,) = installed()
    assert found.holds(site / "mlpk")
    assert found.holds(sources)
    assert not found.holds(tmp_path / "another" / "mlpk")


def test_a_package_is_not_held_for_coming_from_an_index(site: Path, tmp_path: Path) -> None:
    write(site, "mlpk-1.0", "[mlpk]\na = a\n", **{"direct_url.json": '{"url": "https://x.org/"}'})
    write(site, "mlpk-2.0", "[mlpk]\na = a\n")
    for found in installed():
        assert not found.holds(tmp_path / "another" / "mlpk")


def test_a_module_that_came_with_a_pth_file_after_the_start_is_found(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "late_module_of_acme.py").write_text("here = 3\n")
    (site / "acme.pth").write_text(f"{sources}\n")
    (site / "other.pth").write_text("import nothing_of_this_name\n")
    record = "acme.pth,,\nacme-1.0.dist-info/METADATA,,\ninner/other.pth,,\n"
    write(site, "acme-1.0", "[mlpk]\na = late_module_of_acme\n", RECORD=record)
    (found,) = installed()
    (module,) = found.load()
    assert module.here == 3  # type: ignore[attr-defined] # the module's own
    assert str(sources) in sys.path
    monkeypatch.delitem(sys.modules, "late_module_of_acme")
