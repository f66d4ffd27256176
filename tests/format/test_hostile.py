"""Files that break one rule each: all are refused, by the step that their name begins with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import mlpk
from mlpk import FileFormatError, MissingPluginError, MlpkError
from mlpk.cli import main

FOLDER = Path(__file__).parent / "hostile"
FORM = "not valid msgpack within the limits"
OTHER = "not canonical"
LIKE_A_KIND = "exactly the keys 'id', 'schema' and 'config'"
KIND = "wanted a kind's id as text, its schema from 1 and its config as a mapping"
NAMES = "wanted names 'node/array'"
PATTERN = "must match regex"
DAMAGED = "the file is damaged"
SENTENCES: dict[str, str] = {
    "prelude-array-of-five": "not a .mlpk file",
    "prelude-cut": "truncated: it ends after 40 bytes",
    "prelude-digest-marker": "wanted the bytes c420, found c520",
    "prelude-empty": "truncated: it ends after 0 bytes",
    "prelude-header-marker": "wanted the bytes c6, found c5",
    "prelude-line-ends": "transfer as text",
    "prelude-magic": "found dc0006c4084d4c50580d0a1a0a",
    "prelude-major-0": "wanted version 1 of the format, found 0.0",
    "prelude-major-2": "wanted version 1 of the format, found 2.0",
    "prelude-short-array-form": "not a .mlpk file",
    "prelude-size-marker": "wanted the bytes cf, found d3",
    "prelude-size-too-large": "truncated: it should have 763 bytes and has 699",
    "prelude-size-too-small": "64 bytes trail behind the end",
    "prelude-trailing-byte": "1 bytes trail behind the end",
    "prelude-truncated-by-one": "truncated: it should have 699 bytes and has 698",
    "prelude-version-marker": "wanted the bytes cd, found d1",
    "header-digest-flipped": "its header does not match the digest",
    "header-digest-of-header-alone": "its header does not match the digest",
    "header-length-beyond-file": "n <= 630, found n = 1142",
    "header-length-no-room-for-count": "n <= 501, found n = 502",
    "header-length-off-by-one": "n % 64 == 54 and n <= 631, found n = 503",
    "header-length-zero": "found n = 0",
    "msgpack-array-longer-form": OTHER,
    "msgpack-array-over-65536-items": FORM,
    "msgpack-array-promised-and-not-there": FORM,
    "msgpack-bin-longer-form": OTHER,
    "msgpack-byte-c1": f"{FORM}: FormatError",
    "msgpack-depth-33": "at most 32 levels",
    "msgpack-ext-type": FORM,
    "msgpack-float-32-bit": OTHER,
    "msgpack-float-infinite": "wanted a finite number, found inf",
    "msgpack-float-nan": "wanted a finite number, found nan",
    "msgpack-int-longer-form": OTHER,
    "msgpack-int-of-64-bits": OTHER,
    "msgpack-int-signed-form": OTHER,
    "msgpack-key-bin": "wanted text as keys, found b'k'",
    "msgpack-key-doubled": OTHER,
    "msgpack-key-integer": FORM,
    "msgpack-key-nil": FORM,
    "msgpack-keys-in-utf-16-order": "wanted sorted keys",
    "msgpack-keys-unsorted": "wanted sorted keys",
    "msgpack-map-longer-form": OTHER,
    "msgpack-map-promised-and-not-there": FORM,
    "msgpack-negative-longer-form": OTHER,
    "msgpack-text-invalid-utf-8": FORM,
    "msgpack-text-longer-form": OTHER,
    "msgpack-text-over-64-kib": FORM,
    "msgpack-text-overlong-utf-8": FORM,
    "msgpack-text-surrogate": FORM,
    "msgpack-timestamp": FORM,
    "msgpack-trailing-bytes": FORM,
    "msgpack-value-cut": FORM,
    "field-config-like-a-kind": LIKE_A_KIND,
    "field-critical-no-array": "wanted a list, each item text, found None (at field critical)",
    "field-critical-unknown": "the file needs 'sparse'",
    "field-ext-bin": "at field ext.k",
    "field-ext-like-a-kind": LIKE_A_KIND,
    "field-generator-bin": "wanted text, found b'mlpk'",
    "field-header-key-missing": "this field is missing (at field meta)",
    "field-header-key-unknown": "(at field version)",
    "field-header-no-map": "wanted a mapping",
    "field-input-33-lengths": "at most 32 dimensions, found 33",
    "field-input-dtype-float16": "(at field spec.inputs[0].dtype)",
    "field-input-length-float": "found 3.0 (float) (at field spec.inputs[0].shape[0])",
    "field-input-length-zero": "wanted lengths from 1",
    "field-input-name-not-pattern": PATTERN,
    "field-kind-config-like-a-kind": KIND,
    "field-kind-config-nil": KIND,
    "field-kind-id-integer": KIND,
    "field-kind-schema-text": KIND,
    "field-kind-schema-zero": KIND,
    "field-meta-257-pairs": "at most 256 entries and 65536 bytes, found 257",
    "field-meta-like-a-kind": LIKE_A_KIND,
    "field-meta-over-64-kib": "at most 256 entries and 65536 bytes, found 2 and 65537",
    "field-meta-value-integer": "wanted text, found 10",
    "field-node-config-nil": "wanted a mapping, found None",
    "field-node-id-integer": "wanted text, found 1",
    "field-node-key-missing": "this field is missing (at field spec.nodes[0].buffers)",
    "field-node-key-unknown": "(at field spec.nodes[0].trainable)",
    "field-node-name-not-pattern": PATTERN,
    "field-node-schema-bool": "wanted an integer, found True",
    "field-node-schema-zero": "must be >= 1: 0",
    "field-output-name-not-pattern": PATTERN,
    "field-pad-longer-than-needed": "wanted fewer than 64 zero bytes",
    "field-pad-not-zero": "wanted fewer than 64 zero bytes",
    "field-param-array-not-pattern": PATTERN,
    "field-param-name-not-pattern": PATTERN,
    "field-spec-dtype-float16": "wanted 'float32' or 'float64', found 'float16'",
    "field-state-false": "found False (at field state)",
    "field-state-fit-key-missing": "this field is missing (at field state.fit.running)",
    "field-state-fit-key-unknown": "(at field state.fit.time)",
    "field-state-history-text": "(at field state.fit.history)",
    "field-state-loss-like-a-kind": LIKE_A_KIND,
    "field-state-loss-schema-zero": "must be >= 1: 0 (at field state.loss.dense.schema)",
    "field-state-lr-factor-integer": "wanted a number, found 1 (int)",
    "field-state-options-kind-id-nil": KIND,
    "field-state-rows-float": "found 2.0 (float) (at field state.fit.rows)",
    "field-state-running-bin": "(at field state.fit.running.total)",
    "field-state-seed-float": "wanted an integer, found 0.0",
    "field-state-slot-integer": "wanted text, found 1",
    "field-state-step-negative": "must be >= 0: -1",
    "field-state-stopped-integer": "wanted true or false, found 0",
    "field-tensors-array": "wanted a mapping of names",
    "claim-doubled": "sorted by dist and version, each once",
    "claim-first-party": "missing are: none; unknown are: dense",
    "claim-id-doubled": "wanted one id or more, sorted, each once",
    "claim-id-in-two": "wanted each id in one claim, found acme:box in two",
    "claim-ids-empty": "wanted one id or more, sorted, each once, found []",
    "claim-ids-unsorted": "wanted one id or more, sorted, each once",
    "claim-missing": "missing are: acme:box; unknown are: none",
    "claim-missing-for-kind-inside": "missing are: beta:half; unknown are: none",
    "claim-missing-for-loss": "missing are: gamma:distance; unknown are: none",
    "claim-missing-for-optimizer": "missing are: gamma:drift; unknown are: none",
    "claim-missing-for-option": "missing are: gamma:sparse; unknown are: none",
    "claim-missing-for-schedule": "missing are: gamma:waves; unknown are: none",
    "claim-superfluous": "missing are: none; unknown are: beta:more",
    "claim-unsorted": "sorted by dist and version, each once",
    "claim-version-missing": "this field is missing (at field plugins[0].version)",
    "table-at-empty-not-zero": "wanted 0, where the tensors before it end, found 10",
    "table-at-gap": "wanted 74, where the tensors before it end, found 138",
    "table-at-in-other-tensor": "wanted 74, where the tensors before it end, found 10",
    "table-at-negative": "must be >= 0: -1",
    "table-digests-of-empty": "wanted 0 bytes of digests, found 32",
    "table-digests-too-long": "wanted 32 bytes of digests, found 64",
    "table-digests-too-short": "wanted 32 bytes of digests, found 31",
    "table-dtype-of-numpy": "found '<f4'",
    "table-dtype-unknown": "found 'float32'",
    "table-entry-key-missing": "this field is missing (at field tensors.dense/bias.shape)",
    "table-entry-key-unknown": "(at field tensors.dense/weight.order)",
    "table-name-256-bytes": "of at most 255 bytes",
    "table-name-line-end": NAMES,
    "table-name-of-one-part": NAMES,
    "table-name-of-slot-too-short": NAMES,
    "table-name-of-three-parts": NAMES,
    "table-name-with-letter-beyond-ascii": NAMES,
    "table-nbytes-float": "wanted an integer, found 24.0",
    "table-nbytes-of-shape-wrong": "wanted 24, the size of its shape and dtype, found 20",
    "table-shape-33-axes": "at most 32 dimensions, found 33",
    "table-shape-bool": "wanted an integer, found True",
    "table-shape-length-2-to-40": "wanted 0 <= length < 1099511627776",
    "table-shape-negative": "wanted 0 <= length < 1099511627776, found -3",
    "table-shape-product-2-to-48": "wanted a tensor of less than 281474976710656 bytes",
    "table-shape-product-overflow": "wanted a tensor of less than 281474976710656 bytes",
    "table-shape-zero-hides-overflow": "wanted a tensor of less than 281474976710656 bytes",
    "table-text-as-digests": "wanted bytes, found '0000",
    "frame-chunk-length-off": "wanted the bytes c60000003b, found c60000003a",
    "frame-chunk-marker": "wanted the bytes c60000003b, found c50000003b",
    "frame-chunk-superfluous": "wanted the tensors to end at byte 699",
    "frame-count-marker": "wanted the bytes dd00000002, found dc00000002",
    "frame-count-off": "wanted the bytes dd00000002, found dd00000003",
    "frame-end-missing": "wanted the tensors to end at byte 699, found the file's end at 635",
    "frame-end-superfluous": "wanted the tensors to end at byte 699, found the file's end at 763",
    "payload-bit-flipped": "do not match their digest (at field tensors.dense/bias, byte 576)",
    "payload-bool-2": "wanted bools of 0 or 1",
    "payload-bool-255": "wanted bools of 0 or 1",
    "payload-digest-of-other-bytes": "do not match their digest",
    "payload-digest-with-padding": "do not match their digest",
    "payload-padding-not-zero": "the 51 bytes of padding here are not all zero",
    "network-config-field-missing": "this field is missing (at field spec.nodes[0].config.init)",
    "network-config-field-type": "wanted an integer, found 2.0",
    "network-config-field-unknown": "Did you mean 'units'?",
    "network-config-kind-of-other-family": "there is no 'sgd' among the initializers",
    "network-config-out-of-range": "must be >= 1: 0 (at field spec.nodes[0].config.units)",
    "network-feed-unknown": "there is no such node or input",
    "network-input-named-twice": "two inputs have the same name",
    "network-inputs-too-many": "dense takes the inputs (x), found 2",
    "network-kind-unknown": "'densest'",
    "network-node-named-as-input": "two nodes or inputs are called 'left'",
    "network-node-named-twice": "two nodes or inputs are called 'joined'",
    "network-nodes-in-a-cycle": "the nodes make a cycle: first -> again -> first",
    "network-nodes-in-another-order": "takes 'first', which does not come before it",
    "network-output-none": "at least one output",
    "network-output-twice": "an output is named twice",
    "network-output-unknown": "the output 'input' is not a node",
    "network-param-as-buffer": "wanted the arrays ['bias', 'weight'], found ['weight']",
    "network-param-missing": "wanted the arrays ['bias', 'weight'], found ['weight']",
    "network-schema-newer": "schema 2",
    "network-shape-unknown-where-needed": "wanted a known length on this axis",
    "network-shared-array-of-two-shapes": "wanted to share the array 'first/weight'",
    "network-slot-missing": "missing are: slot:dense/bias/v, slot:dense/weight/v",
    "network-slot-shape": "tensors.slot:dense/bias/v: wanted float32 of shape (2,)",
    "network-slot-without-state": "unknown are: slot:dense/bias/v, slot:dense/weight/v",
    "network-state-of-unknown-callback": "unknown are: state:keeper/mask",
    "network-tensor-dtype": "wanted float32 of shape (2,), found f64",
    "network-tensor-missing": "missing are: dense/bias",
    "network-tensor-shape": "wanted float32 of shape (2,), found f32 of shape (1, 2)",
    "network-tensor-superfluous": "unknown are: dense/more",
}
ONLY_HERE = {"network-kind-unknown", "network-schema-newer"}


@pytest.mark.parametrize("name", SENTENCES)
def test_it_is_refused_with_a_sentence_that_says_why(name: str) -> None:
    path = FOLDER / f"{name}.mlpk"
    wanted = MissingPluginError if name in ONLY_HERE else FileFormatError
    with pytest.raises(MlpkError) as caught:
        mlpk.load(path)
    assert type(caught.value) is wanted
    assert SENTENCES[name] in str(caught.value)
    assert len(str(caught.value)) < 800 + len(str(path))


@pytest.mark.parametrize("name", SENTENCES)
def test_it_is_refused_at_its_step_and_not_before(name: str) -> None:
    path = FOLDER / f"{name}.mlpk"
    step = name.partition("-")[0]
    passes = {
        mlpk.inspect: step in ("payload", "network"),
        mlpk.load_arrays: step == "network",
    }
    for function, whole in passes.items():
        if whole:
            function(path)
        else:
            with pytest.raises(FileFormatError) as caught:
                function(path)
            assert SENTENCES[name] in str(caught.value)


@pytest.mark.parametrize("name", SENTENCES)
def test_the_command_line_looks_into_containers_and_says_what_else_is_wrong(name: str) -> None:
    path = FOLDER / f"{name}.mlpk"
    done = CliRunner().invoke(main, ["inspect", "--arrays", str(path)])
    if name.startswith(("payload-", "network-")):
        assert done.exit_code == 0
        assert "tensors" not in done.stderr
    else:
        assert done.exit_code == 2
        assert SENTENCES[name] in done.stderr


@pytest.mark.parametrize("name", [name for name in SENTENCES if name not in ONLY_HERE])
@pytest.mark.parametrize("options", [{"mmap": True}, {"missing": "opaque"}])
def test_other_ways_to_load_refuse_it_too(name: str, options: dict) -> None:
    if name == "network-config-kind-of-other-family" and "missing" in options:
        return  # a kind that may be there elsewhere: the node is opaque
    with pytest.raises(FileFormatError) as caught:
        mlpk.load(FOLDER / f"{name}.mlpk", **options)
    assert SENTENCES[name] in str(caught.value)


@pytest.mark.parametrize("name", SENTENCES)
def test_where_the_header_alone_is_verified_only_payload_may_be_other(name: str) -> None:
    path = FOLDER / f"{name}.mlpk"
    if name.startswith("payload-") and name != "payload-padding-not-zero":
        mlpk.load(path, verify="header")  # digests are not compared, nor a run's arrays read
    else:
        with pytest.raises(MlpkError):
            mlpk.load(path, verify="header")


def test_each_file_is_in_the_table_and_the_other_way_round() -> None:
    files = {path.stem: path.stat().st_size for path in FOLDER.iterdir()}
    assert files.keys() == SENTENCES.keys()
    assert len(files) >= 60
    assert sum(files.values()) < 400_000


def test_the_script_writes_the_files_that_are_kept(tmp_path: Path) -> None:
    subprocess.run([sys.executable, FOLDER.parent / "hostile.py", tmp_path], check=True)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in FOLDER.iterdir()}
    for path in FOLDER.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name
