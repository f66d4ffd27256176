"""Each distribution of the zoo has the record that it should have, and no effect on the others."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mlpk

ANIMALS = {
    path.stem: tomllib.loads(path.read_text("utf-8"))
    for path in sorted(Path(__file__).parent.glob("zoo/*.toml"))
}
# Asks for a kind of each family and reports what it was told; reading a file of metadata is counted.
CENSUS = """
    import collections, json, sys, threading, time, warnings

    reads = collections.Counter()
    def count(event, arguments):
        if event == "open" and ".dist-info" in str(arguments[0]):
            reads[str(arguments[0])] += 1
    sys.addaudithook(count)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        import mlpk
        assert not caught and not reads
        started = time.perf_counter()
        names = list(mlpk.layers)
        seconds = time.perf_counter() - started
        first = dict(reads)
        said = [(str(one.message), one.category.__name__) for one in caught]
        records = mlpk.plugins.records()
        again = mlpk.plugins.refresh()
        assert len(caught) == len(said), "a second warning"

    from attrs import asdict
    def asked(record):
        try:
            mlpk.layers[record.dist + ":lark"]
        except mlpk.MlpkError as error:
            return [type(error).__name__, str(error)]

    model = mlpk.Model(
        [mlpk.layers.dense(units=2), "tern", "zoo-rival-two:swift", "gull", "zoo-dense:dense"],
        input_shape=(3,),
    )
    try:
        mlpk.layers.swift
    except mlpk.UnknownKindError as error:
        rivals = str(error)
    print(json.dumps({
        "names": names,
        "seconds": seconds,
        "reads": first,
        "warnings": said,
        "records": [asdict(record) for record in records],
        "again": [asdict(record) for record in again],
        "asked": [asked(record) for record in records],
        "nodes": [node.id for node in model.spec.nodes],
        "dense": type(mlpk.layers.dense(units=1)).__module__,
        "rivals": rivals,
        "model": len(mlpk.dumps(model)),
        "threads": threading.active_count(),
    }))
"""


@pytest.fixture(scope="module")
def census(zoo: Any) -> Any:
    """Return what a program finds in the zoo."""
    return json.loads(zoo.run(CENSUS))


# Computes kinds that somebody implements, and tells who did.
COMPUTING = """
    import json, warnings
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        import mlpk, numpy as np
        list(mlpk.layers)
        loading = len(caught)

        def computed(*kinds):
            import zoo_faster, zoo_faster_one, zoo_faster_two
            found = []
            for kind in kinds:
                mlpk.Model([kind], input_shape=(3,), seed=0).predict(np.ones((2, 3)))
                for module in (zoo_faster, zoo_faster_one, zoo_faster_two):
                    found += [[module.__name__, name] for name in module.COMPUTED]
                    module.COMPUTED.clear()
            return found

        every = ["softsign", "zoo-good-gates:tern", "hard_sigmoid", "relu"]
        first = computed(*every, *every)
        with mlpk.use("zoo-faster-two"):
            chosen = computed(*every)
        with mlpk.use("numpy"):
            plain = computed(*every)
        said = [str(one.message) for one in caught[loading:]]
    print(json.dumps({"first": first, "chosen": chosen, "plain": plain, "said": said}))
"""


@pytest.fixture(scope="module")
def alone(zoo: Any) -> Any:
    """Return the names of the layers where third parties are kept out."""
    return json.loads(
        zoo.run("import json, mlpk; print(json.dumps(list(mlpk.layers)))", MLPK_PLUGINS="")
    )


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def expected_dist(animal: dict[str, Any]) -> str:
    return animal["expected"].get("dist", normalised(animal["name"]))


def test_there_are_many_of_them() -> None:
    assert len(ANIMALS) >= 25
    assert {animal["expected"]["state"] for animal in ANIMALS.values()} == {
        "active", "failed", "conflict"
    }  # fmt: skip


@pytest.mark.parametrize("name", ANIMALS)
def test_its_record_says_what_became_of_it(name: str, census: Any) -> None:
    animal = ANIMALS[name]
    wanted, dist = animal["expected"], expected_dist(animal)
    found = [record for record in census["records"] if record["dist"] == dist]
    assert len(found) == wanted.get("count", 1)
    (record,) = [r for r in found if r["state"] == wanted["state"]][:1]
    if wanted["state"] != "active":
        assert wanted["reason"] in record["reason"]
        assert "\n" not in record["reason"]
        assert record["error"].startswith("Traceback") == (wanted["state"] == "failed")
        assert record["kinds"] == record["implements"] == []
    else:
        assert record["error"] is None
        assert record["reason"] == ""
        assert record["kinds"] == wanted.get("kinds", record["kinds"])
        assert record["implements"] == wanted.get("implements", [])
    note = wanted.get("note", "")
    assert note in record["note"]
    assert bool(note) == bool(record["note"])
    version = wanted.get("version", animal.get("version", "1.0"))
    assert record["version"] == {"its own": mlpk.__version__}.get(version, version)
    assert record["seconds"] >= (0.3 if name == "sleeper" else 0)


@pytest.mark.parametrize(
    "name", [n for n, a in ANIMALS.items() if a["expected"]["state"] != "active"]
)
def test_what_is_left_out_is_told_once_with_a_remedy(name: str, census: Any) -> None:
    animal = ANIMALS[name]
    dist = expected_dist(animal)
    told = [text for text, _ in census["warnings"] if f"the plugin {dist}" in text]
    told = [
        text for text in told if re.match(rf"the plugin {re.escape(dist)}( \S+)? (failed|is)", text)
    ]
    assert animal["expected"]["reason"] in told[0]
    assert len(told) == 1
    assert "`mlpk plugins` shows more" in told[0]
    assert (f"MLPK_PLUGINS_BLOCK={dist} silences this" in told[0]) == (dist.startswith("zoo-"))


def test_nobody_else_is_warned_of(census: Any) -> None:
    broken = [record for record in census["records"] if record["state"] in ("failed", "conflict")]
    assert len(census["warnings"]) == len({record["dist"] for record in broken})
    assert {category for _, category in census["warnings"]} == {"PluginWarning"}


@pytest.mark.parametrize(
    "name", [n for n, a in ANIMALS.items() if a["expected"]["state"] != "active"]
)
def test_asking_for_its_kinds_says_why_they_are_not_there(name: str, census: Any) -> None:
    dist = expected_dist(ANIMALS[name])
    if dist == "mlpk":  # ids of mlpk's own kinds have no distribution in them
        return
    (kind, text) = next(
        answer
        for record, answer in zip(census["records"], census["asked"], strict=True)
        if record["dist"] == dist
    )
    assert kind == "PluginError"
    assert ANIMALS[name]["expected"]["reason"] in text


def test_the_records_are_sorted_and_mlpk_comes_first(census: Any) -> None:
    dists = [record["dist"] for record in census["records"]]
    assert dists[:2] == ["mlpk", "mlpk"]
    assert dists[2:] == sorted(dists[2:])


def test_what_works_is_all_there(census: Any, alone: Any) -> None:
    kinds = [
        kind
        for animal in ANIMALS.values()
        if animal["expected"]["state"] == "active"
        for kind in animal["expected"].get("kinds", [])
    ]
    short = {kind.rpartition(":")[2] for kind in kinds} - {"dense", "swift"}
    short -= {"sing", "verify"}  # commands
    full = {"zoo-dense:dense", "zoo-rival-one:swift", "zoo-rival-two:swift"}
    assert set(census["names"]) >= {*alone, *short, *full, "robin"}
    assert not {"lark", "swift", "cuckoo"} & set(census["names"])
    assert census["nodes"] == [
        "dense", "zoo-good-gates:tern", "zoo-rival-two:swift", "zoo-several:gull", "zoo-dense:dense"
    ]  # fmt: skip
    assert census["model"] > 1000


def test_mlpk_s_own_kinds_stay_its_own(census: Any, alone: Any) -> None:
    assert census["dense"] == "mlpk_plugins.layers.dense"
    assert "dense" in alone
    assert not any(":" in name for name in alone)


def test_a_short_name_that_two_offer_names_both(census: Any) -> None:
    assert census["rivals"] == (
        "'swift' is offered by several plugins: 'zoo-rival-one:swift' and 'zoo-rival-two:swift'; "
        "write one of these in full"
    )


def test_an_editable_and_another_copy_of_one_release_count_once(census: Any) -> None:
    (record,) = [record for record in census["records"] if record["dist"] == "zoo-copied"]
    assert (record["state"], record["note"]) == ("active", "")
    assert record["kinds"] == ["zoo-copied:robin"]


def test_looking_again_finds_the_same(census: Any) -> None:
    def stable(records: Any) -> list[Any]:
        return [{**r, "seconds": 0, "error": r["error"] is None} for r in records]

    assert stable(census["again"]) == stable(census["records"])


def test_the_metadata_of_a_distribution_are_read_once(
    census: Any, record_property: Callable[[str, object], None]
) -> None:
    record_property("seconds of discovery", census["seconds"])
    reads = {file.replace("\\", "/"): times for file, times in census["reads"].items()}
    empty = {file: times for file, times in reads.items() if "/zoo_empty_" in file}
    assert len(empty) == 300
    assert all(file.endswith("/entry_points.txt") for file in empty)
    assert set(reads.values()) == {1}


def test_what_is_faster_computes_and_of_two_neither(zoo: Any) -> None:
    found = json.loads(zoo.run(COMPUTING))
    by_one = [["zoo_faster", "softsign"], ["zoo_faster", "tern"]]
    assert found["first"] == [*by_one, *by_one]
    assert found["chosen"] == [*by_one, ["zoo_faster_two", "hard_sigmoid"]]
    assert found["plain"] == []
    (sentence,) = found["said"]
    assert sentence.startswith(
        "zoo-faster-one and zoo-faster-two implement the same kinds (hard_sigmoid), and nobody chose"
    )
    chosen = json.loads(zoo.run(COMPUTING, MLPK_IMPLEMENTATION="zoo-faster-one"))
    assert chosen["first"][2] == ["zoo_faster_one", "hard_sigmoid"]
    assert chosen["said"] == []


def test_no_thread_is_left(census: Any) -> None:
    assert census["threads"] == 1
