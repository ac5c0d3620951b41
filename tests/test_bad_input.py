"""Bad input: one clear message, exit status 2, no traceback, nothing written.

Each item goes through the real command line, in YAML and in the compact form; the message
names file, line and column, what was found, and the nearest valid spelling.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

YAML = """\
network:
  loss: cross_entropy
  learning_rate: 0.1
  layers:
    - {size: 8, activation: relu}
    - {size: 3, activation: linear}
    - softmax
data:
  generator: blobs
  classes: 3
  split: [0.7, 0.2, 0.1]
training:
  epochs: 1
  seed: 1
"""
COMPACT = """\
GLOBALS
loss: cross_entropy
lrate: 0.1
LAYERS
size: 8 act: relu
size: 3 act: linear
type: softmax
DATA
generator: blobs
classes: 3
split: (0.7 0.2 0.1)
TRAINING
epochs: 1
seed: 1
"""
FORMS = {"yaml": ("bad.yaml", YAML), "compact": ("bad.txt", COMPACT)}


@pytest.fixture
def refused(command):
    """Trains what must not be trained, and gives back what was said of it."""

    def train(name: str, *arguments: str) -> str:
        before = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
        outcome = command("train", name, *arguments)
        assert outcome.status == 2
        assert outcome.out == ""
        assert "Traceback" not in outcome.err
        after = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
        assert after == before
        assert not Path("runs").exists()
        return outcome.err

    return train


def changed(form: str, *changes: tuple[str, str]) -> str:
    """Writes the configuration with some of its text replaced."""
    name, text = FORMS[form]
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is not once in the configuration"
        text = text.replace(old, new)
    Path(name).write_text(text, encoding="utf-8")
    return name


Change = tuple[str, str, str]
"""What stands in the right configuration, what a user wrote instead, and where: line:column."""


def mistake(what: str, yaml: Change, compact: Change, *words: str):
    """The same mistake in both forms, and the words of its message."""
    return [
        pytest.param(form, change[:2], change[2], words, id=f"{what}-{form}")
        for form, change in (("yaml", yaml), ("compact", compact))
    ]


def misspelt(what: str, yaml: Change, compact: Change, word: str, right: str):
    """A word nobody knows, and the nearest one that is known."""
    return mistake(what, yaml, compact, f"{word!r}", f"did you mean {right!r}")


def both(what: str, old: str, new: str, yaml: str, compact: str, *words: str):
    """A mistake that is written alike in both forms."""
    return mistake(what, (old, new, yaml), (old, new, compact), *words)


LAYER_OF = {
    "padding": "{type: conv2d, filters: 2, size: 1, padding: %s}",
    "start": "{type: recurrent, size: 8, start: %s}",
}
YAML_AT = {key: 2 + text.index("%") for key, text in LAYER_OF.items()}
COMPACT_OF = {
    "padding": "type: conv2d filters: 2 size: 1 padding: %s",
    "start": "type: recurrent size: 8 start: %s",
}
COMPACT_AT = {key: 1 + text.index("%") for key, text in COMPACT_OF.items()}

MISTAKES = [
    # A key, an activation, a loss, a class nobody knows.
    *misspelt(
        "key of training",
        ("epochs: 1", "epoch: 1", "13:3"),
        ("epochs: 1", "epoch: 1", "13:1"),
        "epoch",
        "epochs",
    ),
    *misspelt(
        "key of data",
        ("classes: 3", "clases: 3", "10:3"),
        ("classes: 3", "clases: 3", "10:1"),
        "clases",
        "classes",
    ),
    *mistake(
        "key of network",
        ("learning_rate", "learning_rat", "3:3"),
        ("lrate", "lrat", "3:1"),
        "rat'",
        "did you mean",
    ),
    *misspelt(
        "key of a layer",
        ("size: 8", "siz: 8", "5:8"),
        ("size: 8", "siz: 8", "5:1"),
        "siz",
        "size",
    ),
    *misspelt(
        "activation",
        ("activation: relu", "activation: rellu", "5:29"),
        ("act: relu", "act: rellu", "5:14"),
        "rellu",
        "relu",
    ),
    *misspelt(
        "loss",
        ("cross_entropy", "cros_entropy", "2:9"),
        ("cross_entropy", "cros_entropy", "2:7"),
        "cros_entropy",
        "cross_entropy",
    ),
    *misspelt(
        "class",
        (
            "generator: blobs\n  classes: 3",
            "generator: shapes\n  classes: [circle, triangel]",
            "10:21",
        ),
        (
            "generator: blobs\nclasses: 3",
            "generator: shapes\nclasses: (circle triangel)",
            "10:18",
        ),
        "triangel",
        "triangle",
    ),
    *misspelt("generator", ("blobs", "blob", "9:14"), ("blobs", "blob", "9:12"), "blob", "blobs"),
    *misspelt(
        "optimizer",
        ("seed: 1", "optimizer: adma", "14:14"),
        ("seed: 1", "optimizer: adma", "14:12"),
        "adma",
        "adam",
    ),
    *[
        case
        for key, word, right in (
            ("padding", "smae", "same"),
            ("start", "learned", "learnt"),
            ("start", "zero", "zeros"),
        )
        for case in misspelt(
            f"{key} {word}",
            ("{size: 8, activation: relu}", LAYER_OF[key] % word, f"5:{5 + YAML_AT[key]}"),
            ("size: 8 act: relu", COMPACT_OF[key] % word, f"5:{COMPACT_AT[key]}"),
            word,
            right,
        )
    ],
    # A size that is none, and other numbers out of their range.
    *[
        case
        for size in ("0", "1.5", '"ten"', "-3", "true")
        for case in both(
            f"size {size}",
            "size: 8",
            f"size: {size}",
            "5:14",
            "5:7",
            "size",
            "a whole number of at least 1",
            size.strip('"'),
        )
    ],
    *mistake(
        "rate below 0",
        ("learning_rate: 0.1", "learning_rate: -0.1", "3:18"),
        ("lrate: 0.1", "lrate: -0.1", "3:8"),
        "-0.1",
        "at least 0",
    ),
    *both("epochs below 0", "epochs: 1", "epochs: -1", "13:11", "13:9", "-1", "whole number"),
    *[
        case
        for key, value, words in (
            ("momentum", "0", "a number above 0 and at most 1"),
            ("momentum", "1.5", "a number above 0 and at most 1"),
            ("epsilon", "0", "a finite number above 0"),
            ("epsilon", "tiny", "a finite number above 0"),
        )
        for case in mistake(
            f"batch_norm with {key} {value}",
            (
                "    - {size: 8",
                f"    - {{type: batch_norm, {key}: {value}}}\n    - {{size: 8",
                f"5:{28 + len(key)}",
            ),
            ("size: 8", f"type: batch_norm {key}: {value}\nsize: 8", f"5:{20 + len(key)}"),
            key,
            words,
            value,
        )
    ],
    *both("batch of 0", "seed: 1", "batch_size: 0", "14:15", "14:13", "at least 1"),
    # Layers and a loss that make no network.
    *mistake(
        "cross-entropy without a distribution",
        ("    - softmax\n", "", "2:9"),
        ("type: softmax\n", "", "2:7"),
        "cross_entropy needs a distribution",
        "softmax",
    ),
    *mistake(
        "softmax in the middle",
        ("    - {size: 8", "    - softmax\n    - {size: 8", "5:7"),
        ("size: 8", "type: softmax\nsize: 8", "5:1"),
        "softmax must be the last layer",
    ),
    # A network that does not fit the data.
    *mistake(
        "input that does not fit",
        ("  layers:\n", "  input: 7\n  layers:\n", "4:10"),
        ("LAYERS\n", "LAYERS\ninput: 7\n", "5:8"),
        "input 7",
        "2 numbers a case",
        "write 2",
    ),
    *both("outputs that do not fit", "classes: 3", "classes: 5", "6:14", "6:7", "5 classes"),
    # Fractions, and images.
    *mistake(
        "fractions beyond 1",
        ("[0.7, 0.2, 0.1]", "[0.7, 0.2, 0.2]", "11:10"),
        ("(0.7 0.2 0.1)", "(0.7 0.2 0.2)", "11:8"),
        "split",
        "1.1",
    ),
    *mistake(
        "two fractions",
        ("[0.7, 0.2, 0.1]", "[0.7, 0.3]", "11:10"),
        ("(0.7 0.2 0.1)", "(0.7 0.3)", "11:8"),
        "split",
    ),
    *[
        case
        for size in ("9", "51", "0")
        for case in mistake(
            f"images of {size} pixels",
            ("blobs", f"shapes\n  size: {size}", "10:9"),
            ("blobs", f"shapes\nsize: {size}", "10:7"),
            "size",
            "10",
            "50",
            size,
        )
    ],
    *mistake(
        "shapes wider than their image",
        ("blobs", "shapes\n  size: 16\n  width: [6, 17]", "11:10"),
        ("blobs", "shapes size: 16 width: (6 17)", "9:35"),
        "width",
        "16 x 16",
        "17",
    ),
    *[
        case
        for word, key in (("weights", "wr"), ("biases", "br"))
        for case in mistake(
            f"a range of {word} wider than any number",
            ("size: 8,", f"size: 8, {word}: [-1e308, 1e308],", f"5:{len(word) + 19}"),
            ("size: 8 act", f"size: 8 {key}: (-1e308 1e308) act", "5:13"),
            "less than 1.8e308 apart",
            "found [-1e+308, 1e+308]",
        )
    ],
    *mistake(
        "another way to standardise",
        ("blobs", "blobs\n  standardize: centre", "10:16"),
        ("blobs", "blobs\nstandardize: centre", "10:14"),
        "did you mean 'center'",
    ),
    *mistake(
        "another word for all cases",
        ("seed: 1", "batch_size: ful", "14:15"),
        ("seed: 1", "batch_size: ful", "14:13"),
        "did you mean 'full'",
    ),
    *mistake(
        "a range from high to low",
        ("blobs", "shapes\n  width: [9, 6]", "10:10"),
        ("blobs", "shapes width: (9 6)", "9:26"),
        "width",
        "9",
        "6",
    ),
    # A key twice.
    *mistake(
        "duplicate key",
        ("  seed: 1", "  seed: 1\n  seed: 2", "15:3"),
        ("seed: 1", "seed: 1\nseed: 2", "15:1"),
        "seed",
        "line 14",
    ),
]


@pytest.mark.parametrize(("form", "change", "place", "words"), MISTAKES)
def test_a_mistake_is_found_at_its_place(refused, form, change, place, words):
    name = changed(form, change)
    err = refused(name)
    assert len(err.splitlines()) == 1, err
    assert err.startswith(f"{name}:{place}: "), err
    for word in words:
        assert word in err


@pytest.mark.parametrize("form", FORMS)
def test_the_configuration_without_mistakes_trains(command, form):
    assert command("train", changed(form), "--quiet").status == 0


@pytest.mark.parametrize(
    ("form", "changes", "lines"),
    [
        (
            "yaml",
            [
                ("cross_entropy", "cros_entropy"),
                ("size: 8", "size: 0"),
                ("relu", "rellu"),
                ("classes: 3", "clases: 3"),
                ("0.2, 0.1]", "0.2, 0.2]"),
                ("epochs: 1", "epochs: -1"),
            ],
            [2, 5, 5, 10, 11, 13],
        ),
        (
            "compact",
            [
                ("cross_entropy", "cros_entropy"),
                ("size: 8", "size: 0"),
                ("relu", "rellu"),
                ("classes: 3", "clases: 3"),
                ("0.2 0.1)", "0.2 0.2)"),
                ("epochs: 1", "epochs: -1"),
            ],
            [2, 5, 5, 10, 11, 13],
        ),
    ],
)
def test_all_mistakes_come_at_once_in_the_order_of_their_lines(refused, form, changes, lines):
    err = refused(changed(form, *changes))
    found = [int(re.match(r"bad\.\w+:(\d+):\d+: ", line)[1]) for line in err.splitlines()]
    assert found == lines


# Files that are no configuration

FILES = {
    "empty": b"",
    "blank": b"\n  \n# only a comment\n",
    "no text": bytes(range(256)),
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "UTF-16": YAML.encode("utf-16"),
    "Latin-1": YAML.replace("blobs", "blöbs").encode("latin-1"),
    "a list": b"- 1\n- 2\n",
    "a word": b"network\n",
    "an open bracket": b"network: {layers: [\n",
    "a tab": b"network:\n\tloss: mse\n",
    "a command": b"network: !!python/object/apply:os.system [touch owned]\n",
    "a section alone": b"LAYERS\n",
    "an open list": b"GLOBALS\nloss: mse\nLAYERS\nsize: 3 wr: (0.1\n",
    "an alias bomb": b"a: &a [x, x]\nb: &b [*a, *a]\nnetwork: [*b, *b]\n",
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_configuration_is_named(refused, folder, kind):
    Path("c.yaml").write_bytes(FILES[kind])
    err = refused("c.yaml")
    assert all(line.startswith("c.yaml") for line in err.splitlines()), err
    assert os.listdir() == ["c.yaml"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.yaml", "missing.yaml: no such file"),
        ("here.ymal", "did you mean 'here.yaml'"),
        ("folder", "is a folder"),
        ("", "expected"),
    ],
)
def test_a_missing_configuration_is_named(refused, folder, name, message):
    Path("here.yaml").write_text(YAML)
    Path("folder").mkdir()
    assert message in refused(name)


# Data files

ROWS = "".join(f"{k},{k * k},{k % 3}\n" for k in range(30))
DATA = {
    "empty": ("", r"points\.csv: .*empty"),
    "a header alone": ("a,b,c\n", r"points\.csv"),
    "ragged": (ROWS + "1,2\n", r"points\.csv:31:4: found 2 columns, expected 3"),
    "too long a row": (
        ROWS + "1,2,3,4\n" + ROWS,
        r"points\.csv:31:7: found 4 columns, expected 3",
    ),
    "text among the numbers": (ROWS + "1,two,0\n", r"points\.csv:31:3: .*'two'"),
    "infinity": (ROWS + "1,-inf,0\n", r"points\.csv:31:3: .*(?i:inf)"),
    "a missing label": (ROWS + "1,2,\n", r"points\.csv:31:5: the label is missing"),
    "missing values": ("1,,0\n1,,1\n1,2,0\n", r"points\.csv:1:3: .*drop: \[2\]"),
    "a label outside the classes": (ROWS + "1,2,3\n", r"points\.csv:31:5: .*'3'.*outside"),
    "a label that is no whole number": (ROWS + "1,2,0.5\n", r"points\.csv:31:5: .*0\.5"),
    "a negative label": (ROWS + "1,2,-1\n", r"points\.csv:31:5: .*-1"),
    "no text": (bytes(range(256)), r"points\.csv"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", DATA)
def test_a_data_file_that_is_wrong_is_named_with_its_line(refused, folder, form, kind):
    content, message = DATA[kind]
    content = content if isinstance(content, bytes) else content.encode()
    Path("points.csv").write_bytes(content)
    end = "\n  " if form == "yaml" else "\n"
    name = changed(form, (f"generator: blobs{end}classes: 3", "file: points.csv"))
    err = refused(name)
    assert re.search(message, err), err


@pytest.mark.parametrize("form", FORMS)
def test_a_missing_data_file_is_named_with_the_nearest(refused, folder, form):
    Path("points.csv").write_text(ROWS)
    end = "\n  " if form == "yaml" else "\n"
    name = changed(form, (f"generator: blobs{end}classes: 3", "file: piont.csv"))
    err = refused(name)
    assert err.startswith(f"{name}:9:{9 if form == 'yaml' else 7}: ")
    assert "piont.csv" in err
    assert "did you mean 'points.csv'" in err


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("folder: pictrues", r"c\.yaml:4:11: \S*pictrues: .*did you mean 'pictures'"),
        ("file: here.csv\n  test_file: hree.csv", r"c\.yaml:5:14: \S*hree\.csv: "),
        ("file: here.csv\n  validation_file: h.csv", r"c\.yaml:5:20: \S*h\.csv: "),
        ("file: here.csv\n  labels: a-ubyte", r"c\.yaml:5:11: \S*a-ubyte: "),
        ("file: pictures", r"c\.yaml:4:9: \S*pictures: expected a file"),
        ("folder: here.csv", r"c\.yaml:4:11: \S*here\.csv: expected a folder"),
        (
            "folder: pictures\n  test_folder: pictrues",
            r"c\.yaml:5:16: \S*pictrues: .*did you mean 'pictures'",
        ),
        ("folder: pictures\n  validation_folder: here.csv", r"c\.yaml:5:22: .* a folder"),
        ("folder: pictures\n  test_folder: pictures", r"c\.yaml:5:16: pictures holds the images"),
        ("file: ~nobody-of-this-name/a.csv", r"c\.yaml:4:9: \S*~nobody-of-this-name/a\.csv"),
        ("file: " + "a" * 300, r"c\.yaml:4:9: "),
    ],
)
def test_whatever_is_missing_is_told_at_its_key(refused, folder, data, message):
    Path("pictures").mkdir()
    Path("here.csv").write_text(ROWS)
    text = f"network:\n  layers: [{{size: 3}}, softmax]\ndata:\n  {data}\n"
    Path("c.yaml").write_text(text)
    err = refused("c.yaml")
    assert len(err.splitlines()) == 1
    assert re.match(message, err), err


def test_all_files_that_are_missing_are_told_at_once(refused, folder):
    text = "network:\n  layers: [{size: 3}, softmax]\ndata:\n  file: a.csv\n  test_file: b.csv\n"
    Path("c.yaml").write_text(text)
    places = [line.split(": ")[0] for line in refused("c.yaml").splitlines()]
    assert places == ["c.yaml:4:9", "c.yaml:5:14"]


@pytest.mark.parametrize("form", FORMS)
def test_a_listed_class_that_labels_lack_is_explained(refused, folder, form):
    rows = [f"{k},{k * k},{'rot' if k % 2 else 'blau'}" for k in range(30)]
    Path("points.csv").write_text("\n".join([*rows, "1,2,rto"]))
    listed = "[rot, blau, gelb]" if form == "yaml" else "(rot blau gelb)"
    end = "\n  " if form == "yaml" else "\n"
    change = (f"generator: blobs{end}classes: 3", f"file: points.csv{end}classes: {listed}")
    err = refused(changed(form, change))
    assert re.search(r"points\.csv:31:5: .*'rto'.*did you mean 'rot'\?$", err.strip()), err


@pytest.mark.parametrize("form", FORMS)
def test_columns_that_do_not_fit_the_input_name_the_configuration_first(refused, folder, form):
    Path("points.csv").write_text(ROWS)
    end = "\n  " if form == "yaml" else "\n"
    head = (
        ("  layers:", "  input: 5\n  layers:")
        if form == "yaml"
        else ("LAYERS", "LAYERS\ninput: 5")
    )
    name = changed(form, head, (f"generator: blobs{end}classes: 3", "file: points.csv"))
    err = refused(name)
    place = "4:10" if form == "yaml" else "5:8"
    assert err.startswith(f"{name}:{place}: ")
    assert "points.csv" in err
    assert "2 numbers a case" in err


@pytest.mark.parametrize("form", FORMS)
def test_labels_beyond_the_outputs_name_the_last_layer_and_then_the_data(refused, folder, form):
    Path("points.csv").write_text("".join(f"{k},{k * k},{k % 5}\n" for k in range(30)))
    end = "\n  " if form == "yaml" else "\n"
    name = changed(form, (f"generator: blobs{end}classes: 3", "file: points.csv"))
    first, second, *_ = refused(name).splitlines()
    place = "6:14" if form == "yaml" else "6:7"
    assert first.startswith(
        f"{name}:{place}: the last layer has size 3, but the labels are of 5 classes"
    )
    assert "write size 5" in first
    assert re.search(r"points\.csv:4:5: label '3' is outside", second)


@pytest.mark.parametrize("form", FORMS)
def test_where_the_classes_are_listed_the_layer_is_not_to_blame(refused, folder, form):
    Path("points.csv").write_text(ROWS + "1,2,3\n")
    listed = '["0", "1", "2"]' if form == "yaml" else '("0" "1" "2")'
    end = "\n  " if form == "yaml" else "\n"
    change = (f"generator: blobs{end}classes: 3", f"file: points.csv{end}classes: {listed}")
    err = refused(changed(form, change))
    assert re.match(r"\S*points\.csv:31:5: label '3' is outside", err), err


HUGE = "1" + "0" * 400


@pytest.mark.parametrize(
    "item",
    [
        *[f"network.layers.0.{key}={HUGE}" for key in ("size", "learning_rate")],
        *[f"network.{key}={HUGE}" for key in ("input", "learning_rate", "penalty.rate")],
        *[f"data.{key}={HUGE}" for key in ("count", "classes", "features", "spread", "seed")],
        *[f"training.{key}={HUGE}" for key in ("epochs", "batch_size", "checkpoint_every")],
        f"training.seed={HUGE}",
        *[
            f"training.schedule={{type: {kind}, {key}: {HUGE}}}"
            for kind, key in (
                ("constant", "warm_up"),
                ("one_cycle", "div_factor"),
                ("plateau", "patience"),
                ("plateau", "cooldown"),
            )
        ],
        f"training.callbacks=[{{type: time_limit, seconds: {HUGE}}}]",
        f"training.callbacks=[{{type: csv_log, file: {HUGE}}}]",
        f"training.callbacks=[{{type: tensorboard, folder: '{HUGE}'}}]",
        f"training.epochs=0x1{'0' * 3000}",
        f"data.split=[{HUGE}, 0, 0]",
        f"data={{folder: ., size: {HUGE}}}",
        f"data={{generator: shapes, width: {HUGE}}}",
    ],
    ids=lambda item: item[:30],
)
def test_a_huge_number_is_one_message(refused, item):
    err = refused(changed("yaml"), "--set", item)
    assert len(err.splitlines()) == 1
    assert err.startswith("--set ")
    assert "found" in err


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("training.schedule={type: one_cycle, max_lr: 1}", "under network as 'learning_rate'"),
        ("training.schedule={type: OneCycleLR}", "did you mean 'one_cycle'?"),
        ("training.schedule={type: ReduceLROnPlateau}", "did you mean 'plateau'?"),
        ("training.schedule={type: cosine, warmup: 1}", "did you mean 'warm_up'?"),
        ("training.schedule={type: constant, warm_up: -1}", "finite and at least 0, found -1"),
        ("training.schedule={type: plateau, patience: 1.5}", "whole number"),
        ("training.callbacks=[ModelCheckpoint]", "did you mean 'best_weights'?"),
        ("training.callbacks=[{type: csv_log, file: ../x}]", "a name in the run's folder"),
        ("training.callbacks=[{type: csv_log, file: run.json}]", "choose another name"),
        ("training.callbacks=[{type: time_limit, seconds: 0}]", "above 0, found 0"),
        ("training.callbacks=[{type: frames, count: 1}]", "of at least 2, found 1"),
    ],
)
def test_schedules_and_callbacks_that_are_not_as_they_should_be(refused, item, message):
    assert message in refused(changed("yaml"), "--set", item)
