"""JSON and safetensors: they load back to the bit, and a changed file ends in one message."""

from __future__ import annotations

import json
import struct
from contextlib import suppress

import numpy as np
import pytest
from exported import CASES, ROWS, of_layers, of_table
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import load, train
from chainrule.core.errors import ChainruleError
from chainrule.runs.export.document import read

pytestmark = pytest.mark.filterwarnings("ignore:missing cells filled in")
KINDS = ("json", "safetensors")


@pytest.fixture(scope="module")
def table():
    return of_table()


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_on_a_table_loads_back_to_the_bit(tmp_path, table, kind):
    path = tmp_path / f"people.{kind}"
    assert table.export(path) == ()
    back = load(path)
    assert back.name == "people"
    assert back.network.theta.tobytes() == table.network.theta.tobytes()
    assert back.encoding == table.encoding
    assert (back.outputs(ROWS) == table.outputs(ROWS)).all()
    assert back.predict(ROWS).tolist() == table.predict(ROWS).tolist()
    assert back.evaluate((ROWS, table.predict(ROWS))).accuracy == 1
    with pytest.raises(ChainruleError, match="an exported file holds a network and no data"):
        back.data  # noqa: B018
    back.export(tmp_path / f"again.{kind}")
    assert (tmp_path / f"again.{kind}").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("labels", [[3, 8], [True, False]])
def test_labels_keep_their_type(tmp_path, labels):
    run = of_table(labels * 18)
    run.export(tmp_path / "n.json")
    found, wanted = load(tmp_path / "n.json").predict(ROWS), run.predict(ROWS)
    assert found.dtype == wanted.dtype == np.array(labels).dtype
    assert (found == wanted).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_in_their_own_units(tmp_path, dtype):
    x = np.random.default_rng(1).normal(size=(40, 2)) * 100
    config = {
        "network": {"layers": [{"size": 3}, {"size": 1}], "dtype": dtype},
        "data": {"standardize": True, "scale_targets": True},
    }
    run = train(config, data=(x, x.sum(axis=1)), save=False)
    for kind in KINDS:
        run.export(tmp_path / f"v.{kind}")
        assert load(tmp_path / f"v.{kind}").predict(x).tobytes() == run.predict(x).tobytes()


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_layer(tmp_path, case, kind):
    model, x = of_layers(case)
    from chainrule.runs.export.formats import export

    export(model, tmp_path / f"n.{kind}")
    back = read(tmp_path / f"n.{kind}")
    assert back.network.theta.tobytes() == model.network.theta.tobytes()
    again = back.network.forward_pass(x)
    assert again.tobytes() == model.network.forward_pass(x).tobytes()


def change(**keys):
    return lambda found: found.update(keys)


def parameter(**keys):
    return lambda found: found["parameters"]["dense_1.W"].update(keys)


CHANGES = {
    "another format": (change(format="keras"), "format: Input should be 'chainrule model'"),
    "a later version": (change(version=2), "version: Input should be 1"),
    "a key more": (change(code="x"), "code: Extra inputs are not permitted"),
    "a key less": (lambda found: found.pop("classes"), "classes is missing"),
    "no parameters": (change(parameters={}), "expected dense_1.W of shape (11, 4), found no such"),
    "another shape": (parameter(shape=[4, 11]), "of shape (11, 4), found shape (4, 11)"),
    "too few numbers": (parameter(values=[1.0]), "dense_1.W has 1 numbers, not 44"),
    "texts": (parameter(values=["a"] * 44), "dense_1.W.values.0: Input should be a valid number"),
    "truth values": (parameter(values=[True] * 44), "values.0: Input should be a valid number"),
    "a negative size": (parameter(shape=[-1, 4]), "shape.0: Input should be greater than"),
    "an enormous size": (
        lambda found: found["network"].update(input=10**12),
        "parameters and, for each case",
    ),
    "an unknown layer": (
        lambda found: found["network"]["layers"][0].update(type="denes"),
        "did you mean 'dense'?",
    ),
    "no inputs": (lambda found: found["network"].pop("input"), "no number of inputs: input"),
    "one class": (change(classes=["no"]), "found 1 classes, but the network has 2 outputs"),
    "a class twice": (change(classes=["no", "no"]), "a class is named twice"),
    "a class that commands": (change(classes=["\x1b[2J", "b"]), "control characters in a text"),
    "classes of another type": (change(label_type="int"), "a class is no label of the type int"),
    "a scaling less": (change(scaling={"mean": [], "scale": []}), "found a scaling of 0, but"),
    "a scale of 0": (change(scaling={"mean": [0.0] * 11, "scale": [0.0] * 11}), "scale above 0"),
    "an encoding less": (
        lambda found: found["encoding"]["inputs"].pop(),
        "found 9 inputs, but the network has 11",
    ),
    "deep nesting": (
        lambda found: found["network"].update(loss=json.loads("[" * 500 + "]" * 500)),
        "",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_file_ends_in_one_message(tmp_path, table, what, kind):
    changed, words = CHANGES[what]
    path = tmp_path / f"n.{kind}"
    table.export(path)
    if kind == "json":
        found = json.loads(path.read_text(encoding="utf-8"))
        changed(found)
        path.write_text(json.dumps(found), encoding="utf-8")
    else:
        content = path.read_bytes()
        (length,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + length])
        found = {**json.loads(header["__metadata__"]["model"]), "parameters": {"dense_1.W": {}}}
        changed(found)
        if found.pop("parameters") != {"dense_1.W": {}}:
            pytest.skip("the arrays of this format are its own")
        header["__metadata__"]["model"] = json.dumps(found)
        new = json.dumps(header).encode()
        path.write_bytes(struct.pack("<Q", len(new)) + new + content[8 + length :])
    with pytest.raises(ChainruleError) as error:
        load(path)
    assert words in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{}",
        b"[]",
        b"{" * 100_000,
        b'{"format": NaN}',
        b"\x00" * 64,
        b'{"a": 1, "a": 1}',
        "{ü".encode("latin-1"),
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 2**62) + b"{}",
    ],
    ids=lambda content: repr(content[:12]),
)
def test_another_file_is_no_model(tmp_path, content):
    path = tmp_path / "n.json"
    path.write_bytes(content)
    with pytest.raises(
        ChainruleError,
        match=r"n\.json: (a run's folder holds .* this is neither|this is no|this safetensors)",
    ):
        load(path)


def test_what_json_cannot_hold_is_refused_before_a_file_is_there(tmp_path, table):
    from chainrule.runs.export.formats import export
    from chainrule.runs.export.model import Model

    model = Model.of(table)
    broken, _ = of_layers("dense")
    broken.network.theta[3] = np.nan
    for kind in KINDS:
        with pytest.raises(ChainruleError, match=r"dense_1\.W holds numbers that are not finite"):
            export(broken, tmp_path / f"n.{kind}")
        with pytest.raises(ChainruleError, match="keeps the network's own numbers, float64"):
            export(model, tmp_path / f"n.{kind}", dtype="float32")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(("kind", "dtype"), [("onnx", None), ("pt2", "float32"), ("c", "float32")])
def test_numbers_that_a_format_cannot_hold_are_refused(tmp_path, kind, dtype):
    pytest.importorskip({"onnx": "onnx", "pt2": "torch", "c": "numpy"}[kind])
    from chainrule.runs.export.formats import export

    broken, _ = of_layers("dense")
    for value, where in ((np.nan, None), (1e200, dtype)):
        broken.network.theta[3] = value
        with pytest.raises(ChainruleError, match=r"dense_1\.W has numbers that are not finite"):
            export(broken, tmp_path / f"n.{kind}", dtype=where)
    assert not any(tmp_path.iterdir())


def test_a_number_beyond_float32_does_not_become_infinite(tmp_path):
    from chainrule.runs.export.formats import export

    path = tmp_path / "n.json"
    model, _ = of_layers("dense")
    model.network.theta[0] = 1e200
    export(model, path)
    path.write_text(path.read_text(encoding="utf-8").replace('"float64"', '"float32"'))
    with pytest.raises(ChainruleError, match=r"dense_1\.W has numbers .* not finite in float32"):
        load(path)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_can_be_read(tmp_path, kind):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the extra sklearn")
    from chainrule import Classifier, export

    x, path = np.arange(8.0)[:, None], tmp_path / f"n.{kind}"
    model = Classifier([2], epochs=1, random_state=0, engine="numpy")
    for labels in (["a\x00b", "c"], ["\x1b[2J", "c"]):
        with pytest.raises(ChainruleError, match=r"not written: classes.*control characters"):
            export(model.fit(x, np.array(labels * 4, dtype=object)), path)
    assert not path.exists()
    for labels, type_ in (([2**63 - 1, -(2**63)], int), ([2**64 - 1, 5], str)):
        y = np.array(labels * 4, np.int64 if type_ is int else np.uint64)
        export(model.fit(x, y), path)
        found = load(path).predict(x).tolist()
        assert found == [type_(label) for label in model.predict(x).tolist()]


def test_a_format_is_named_by_word_or_by_ending(tmp_path, table):
    with pytest.raises(ChainruleError, match="did you mean 'json'"):
        table.export(tmp_path / "a", to="jsn")
    with pytest.raises(ChainruleError, match=r"onnx \(\.onnx\), torch \(\.pt2\).*found 'a\.h5'"):
        table.export(tmp_path / "a.h5")
    with pytest.raises(ChainruleError, match="did you mean 'float32'"):
        table.export(tmp_path / "a.c", dtype="float23")
    with pytest.raises(ChainruleError, match=r"the folder .* does not exist"):
        table.export(tmp_path / "no" / "a.json")
    with pytest.raises(ChainruleError, match="path is the path of a file"):
        table.export(3)
    table.export(tmp_path / "a", to="json")
    assert load(tmp_path / "a").classes == ("no", "yes")


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4),
    data=st.data(),
)
@settings(max_examples=300)
def test_any_bytes_changed_end_in_a_message_or_in_a_network(tmp_path, table, kind, changes, data):
    path = tmp_path / f"n.{kind}"
    table.export(path)
    content = bytearray(path.read_bytes())
    for place, byte in changes:
        content[place % len(content)] = byte
    cut = data.draw(st.sampled_from([len(content), len(content) - 1, len(content) // 2]))
    path.write_bytes(content[:cut])
    with suppress(ChainruleError):
        assert load(path).network.theta.shape == table.network.theta.shape
