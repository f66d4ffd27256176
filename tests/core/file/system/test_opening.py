"""What opening a file does, as Python's audit events tell it: it opens that file, and that is all."""

from __future__ import annotations

import json
from collections import Counter

import pytest

# A file for each example of each kind that a file can name: in a network, or in the state of a run.
MAKE = """
    import attrs
    import json

    from mlpk import catalog
    from mlpk.file import model_file
    from mlpk.kind import written
    from mlpk.testing.bench import Bench
    from mlpk_schemas.file import KindSpec

    x, y = np.linspace(-1, 1, 8).reshape(4, 2), np.linspace(0, 1, 12).reshape(4, 3)

    def trained(path, optimizer="sgd", **options):
        model = mlpk.Model([mlpk.layers.dense(3)], input_shape=(2,), seed=0)
        model.fit(x, y, validation=(x, y), loss="mean_squared_error", optimizer=optimizer,
                  epochs=2, progress=False, checkpoint=path, **options)

    def with_state(path, state):
        model_file.save(mlpk.load(first), path, (state, of_the_run))

    first = f"{folder}/first.mlpk"
    trained(first)
    head, arrays = model_file.checkpoint(first)
    state = head.state
    of_the_run = {name: arrays[name] for name in arrays if not name.startswith("dense/")}

    def make(family, kind, path):
        if family == "layers":
            Bench(kind).model.save(path)
        elif family == "initializers":
            layer = mlpk.layers.dense(4, init=kind.instance)
            mlpk.Model([layer], input_shape=(4,)).save(path)
        elif family == "optimizers":
            trained(path, optimizer=kind.instance)
        elif family == "schedules":
            trained(path, optimizer=mlpk.optimizers.sgd(lr=kind.instance))
        elif family == "regularizers":
            trained(path, regularizer=kind.instance)
        elif family == "losses":
            loss = dict.fromkeys(state.loss, KindSpec(**written(kind.instance)))
            with_state(path, attrs.evolve(state, loss=loss))
        elif family == "metrics":
            options = {**state.fit.options, "metrics": {"m": written(kind.instance)}}
            with_state(path, attrs.evolve(state, fit=attrs.evolve(state.fit, options=options)))
        elif family == "callbacks":
            wanted = [path] if kind is mlpk.callbacks.checkpoint else []
            trained(path, callbacks=[kind(*wanted)])

    made = []
    for item in catalog.current().brought:
        if item.family == "callbacks":
            examples = [item.thing] if hasattr(item.thing, "restore") else []
        else:
            nothing = item.family in ("datasets", "commands")
            examples = [] if nothing else item.thing.examples()
        for number, example in enumerate(examples):
            made.append([item.family, item.kind, f"{folder}/{item.family}-{item.kind}-{number}"])
            make(item.family, example, made[-1][-1])
    with open(f"{folder}/made.json", "w") as file:
        json.dump(made, file)
"""
OPEN = """
    import json
    import sys

    with open(f"{folder}/made.json") as file:
        made = json.load(file)
    mlpk.load(f"{folder}/first.mlpk")
    seen, events = [], []
    sys.addaudithook(lambda event, arguments: events.append((event, arguments)))
    for family, kind, path in made:
        del events[:]
        if way == "load":
            mlpk.load(path)
        elif way == "mmap":
            mlpk.load(path, mmap=True)
        elif way == "inspect":
            mlpk.inspect(path)
        else:
            mlpk.load_arrays(path)
        told = [event for event, _ in events]
        opened = [str(arguments[0]) for event, arguments in events if event == "open"]
        seen.append([family, kind, path, told, opened])
    with open(f"{folder}/seen.json", "w") as file:
        json.dump(seen, file)
"""
# Looking at an object's own attributes, which `inspect` does with a layer's `declare`.
HARMLESS = {"builtins.id", "object.__getattr__"}
FAMILIES = {
    "callbacks",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
    "schedules",
}


@pytest.fixture(scope="module")
def made(forks, tmp_path_factory):
    """Return a folder with the files."""
    folder = tmp_path_factory.mktemp("made")
    forks.run(MAKE, folder=str(folder))
    return folder


@pytest.mark.parametrize("way", ["load", "mmap", "inspect", "load_arrays"])
def test_one_file_is_opened_and_nothing_runs(forks, made, way):
    forks.run(OPEN, folder=str(made), way=way)
    seen = json.loads((made / "seen.json").read_text())
    counts = Counter(family for family, *_ in seen)
    assert counts.keys() == FAMILIES
    assert counts["layers"] > 100
    for family, kind, path, told, opened in seen:
        assert opened == [path], (family, kind)
        more = set(told) - {"open"} - HARMLESS - ({"mmap.__new__"} if way == "mmap" else set())
        assert not more, (family, kind)


def test_what_more_it_did_would_be_seen(forks):
    job = """
        import sys

        events = []
        sys.addaudithook(lambda event, _: events.append(event))
        import colorsys
        eval("1 + 1")
        open(os.devnull).close()
        result = sorted({"import", "compile", "exec", "open"} & set(events))
    """
    assert forks.run(job) == ["compile", "exec", "import", "open"]
