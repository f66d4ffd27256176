"""Readers of a file that a writer replaces again and again: each sees one version, whole."""

from __future__ import annotations

import logging

import pytest

JOB = """
    import json
    import traceback

    def save(version):
        for array in model.params.values():
            array[...] = version  # all numbers of a version are its number
        digests.add(model.save(path))

    def loaded(number):
        if number % 4 == 0:
            return mlpk.load(path, mmap=True)
        if number % 4 == 1:
            with open(path, "rb") as file:
                return mlpk.loads(file.read())
        return mlpk.load(path)

    def read(number):
        seen = []
        while not os.path.exists(path + ".end"):
            (version,) = {float(value) for array in loaded(number).params.values()
                          for value in np.unique(array)}
            assert not seen or seen[-1] <= version, "a later read gave an earlier version"
            seen.append(version)
        with open(path + f".{number}", "w") as file:
            json.dump(seen, file)

    def forked(number):
        child = os.fork()
        if child == 0:
            try:
                read(number)
                os._exit(0)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        return child

    model = mlpk.Model([mlpk.layers.dense(250, init="zeros")], input_shape=(250,), seed=0)
    digests = set()
    save(0)
    children = [forked(number) for number in range(readers)]
    for version in range(1, versions):
        save(version)
    open(path + ".end", "x").close()
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * readers
    assert len(digests) == versions
    result = []
    for number in range(readers):
        with open(path + f".{number}") as file:
            result.append(json.load(file))
"""
READERS = 8


@pytest.mark.parametrize("versions", [40, pytest.param(500, marks=pytest.mark.thorough)])
def test_eight_readers_and_a_writer(forks, tmp_path, versions):
    seen = forks.run(JOB, path=str(tmp_path / "a.mlpk"), readers=READERS, versions=versions)
    assert all(seen)
    met = {version for versions in seen for version in versions}
    report = "%d reads of %d versions, of which %d were seen"
    logging.getLogger(__name__).info(report, sum(map(len, seen)), versions, len(met))
    assert len(met) > versions / 10
    assert not list(tmp_path.glob(".mlpk-*"))
