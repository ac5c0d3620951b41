from __future__ import annotations

from pathlib import Path

import pytest

from chainrule.config import load_config
from chainrule.config.reading.compact import LineError, is_compact, pairs, read_compact
from chainrule.core.errors import ConfigError
from yardstick import add_up, times


def messages(text: str, folder: Path) -> list[str]:
    path = folder / "n.txt"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("size: 100 act: relu", {"size": 100, "act": "relu"}),
        ("size:100 act:relu", {"size": 100, "act": "relu"}),
        ("size: 100, act: relu,", {"size": 100, "act": "relu"}),
        ("  SIZE : 100  # units", {"size": 100}),
        ("wr: (-0.1 0.1) br: (0, 1)", {"wr": [-0.1, 0.1], "br": [0, 1]}),
        ("wr: [ -1e-2 , 1 ]lrate: 1", {"wr": [-0.01, 1], "lrate": 1}),
        ("act: {type: elu alpha: 0.5} size: 1", {"act": {"type": "elu", "alpha": 0.5}, "size": 1}),
        ("classes: ((1 2) (3))", {"classes": [[1, 2], [3]]}),
        ("file: my letters.csv label: last", {"file": "my letters.csv", "label": "last"}),
        (r"file: C:\data\a.csv label: last", {"file": r"C:\data\a.csv", "label": "last"}),
        ("file: 'a: b # c' n: 1", {"file": "a: b # c", "n": 1}),
        ('file: "say \\"x\\"" # c', {"file": 'say "x"'}),
        ("file: a#b", {"file": "a#b"}),
        ("wr: (0 1)# no gap", {"wr": [0, 1]}),
        ("a: () b: {}", {"a": [], "b": {}}),
    ],
)
def test_a_line_is_pairs(line: str, found: dict[str, object]) -> None:
    assert {pair.key: pair.value for pair in pairs(line)} == found


def test_pairs_know_their_columns() -> None:
    first, second = pairs("size: 10 wr: (-1 x)")
    assert (first.column, first.columns) == (1, {(): 7})
    assert (second.column, second.columns) == (10, {(): 14, (0,): 15, (1,): 18})


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ("size: 1 wr: (1 2", 13, "')' is missing"),
        ("size: act: relu", 1, "'size' has no value"),
        ("size:", 1, "'size' has no value"),
        ("size: # 10", 1, "'size' has no value"),
        ("100 act: relu", 1, "expected 'key: value', found '100 act: relu'"),
        ("wr: (1] act: relu", 7, "expected a value, found ']'"),
        ("file: 'a", 7, "a quotation mark is opened and never closed"),
        ("act: {type: a type: b}", 15, "duplicate key 'type'"),
        ("wr: " + "(" * 99, 46, "nested too deeply"),
    ],
)
def test_what_is_no_pair_has_a_place(line: str, column: int, message: str) -> None:
    with pytest.raises(LineError, match=r".") as caught:
        list(pairs(line))
    assert message in caught.value.message
    assert caught.value.column == column


@pytest.mark.parametrize(
    ("text", "compact"),
    [
        ("GLOBALS\n", True),
        ("\n # x\n layers # y\n", True),
        ("GLOBALS:\n", True),
        ("GLOBAL\n", True),
        ("data:\n  count: 3\n", False),
        ("training:\n", False),
        ("network: {}\nGLOBALS\n", False),
        ("", False),
    ],
)
def test_the_first_meaningful_line_tells_the_form(text: str, compact: bool) -> None:
    assert is_compact(text) is compact


def test_sections_come_in_any_order_and_case() -> None:
    tree = read_compact("training\nepochs: 1\nLayers\nSIZE: 2\nsoftmax\nGlobals:\nLOSS: mse\n")
    assert tree.problems == []
    assert tree.value == {
        "training": {"epochs": 1},
        "network": {"layers": [{"size": 2}, {"type": "softmax"}], "loss": "mse"},
    }


def test_the_input_may_share_a_line_with_a_layer() -> None:
    tree = read_compact("LAYERS\ninput: 3 size: 2\nsize: 1\n")
    assert tree.value == {"network": {"input": 3, "layers": [{"size": 2}, {"size": 1}]}}


@pytest.mark.parametrize(
    ("words", "penalty"),
    [
        ("wreg: 0.1 wrt: L1 breg: true", {"type": "L1", "rate": 0.1, "biases": True}),
        ("wreg: 0.1", {"type": "L2", "rate": 0.1, "biases": False}),
        ("wreg: 0.1 wrt: none", None),
        ("wrt: none breg: false", None),
        ("breg: false", None),
        ("", None),
    ],
)
def test_penalties(tmp_path: Path, words: str, penalty: object) -> None:
    path = tmp_path / "n.txt"
    path.write_text(f"GLOBALS\nloss: mse {words}\nLAYERS\nsize: 1\n")
    assert load_config(path).network["penalty"] == penalty


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("loss: mse lrat: 0.1", "2:11: unknown key 'lrat'; did you mean 'lrate'? Known: loss,"),
        ("los: mse", "2:1: unknown key 'los'; did you mean 'loss'? Known: loss, lrate, wreg,"),
        ("loss: mse learning_rate: 1", "2:11: unknown key 'learning_rate'; did you mean"),
        ("loss: mse act: relu", "2:11: key 'act' belongs to LAYERS, not to GLOBALS"),
        ("loss: mse lrate: -1", "2:18: lrate must be a finite number of at least 0, or null"),
        ("loss: mse wreg: 1 wrt: L3", "2:24: unknown penalty 'L3'. Known: L1, L2, none"),
        ("loss: mse loss: mae", "2:11: duplicate key 'loss'; it stands at line 2 already"),
    ],
)
def test_globals_are_reported_in_their_own_words(tmp_path: Path, text: str, expected: str) -> None:
    (only,) = messages(f"GLOBALS\n{text}\nLAYERS\nsize: 1\n", tmp_path)
    assert only.startswith(expected)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("size: 1 atc: relu", "4:9: unknown key 'atc'; did you mean 'act'? Known: size, act,"),
        ("siz: 1", "4:1: unknown key 'siz'; did you mean 'size'?"),
        ("act: relu", "4:1: missing key 'size' (the number of units)"),
        ("size: 1 act: rellu", "4:14: unknown activation 'rellu'; did you mean 'relu'?"),
        ("size: 1 wr: (1 -1)", "4:13: wr must be a range [low, high] of finite numbers, the"),
        ("size: 1 br: (0 x)", "4:13: br must be a range [low, high] of finite numbers, the"),
        ("size: 1 loss: mse", "4:9: key 'loss' belongs to GLOBALS, not to LAYERS"),
        ("sofmax", "4:1: unknown layer type 'sofmax'; did you mean 'softmax'?"),
        ("size: 1 wr: (1 2", "4:13: ')' is missing"),
        ("act: relu wr: (1 2", "4:15: ')' is missing"),
        ("100", "4:1: expected 'key: value', found '100'"),
        ("size:", "4:1: 'size' has no value"),
    ],
)
def test_layers_are_reported_in_their_own_words(tmp_path: Path, line: str, expected: str) -> None:
    (only,) = messages(f"GLOBALS\nloss: mse\nLAYERS\n{line}\nsize: 3\n", tmp_path)
    assert only.startswith(expected)


def test_sections_that_are_misspelt_or_stand_twice(tmp_path: Path) -> None:
    (first,) = messages("GLOBAL\nloss: mse\nLAYERS\nsize: 1\n", tmp_path)
    assert first.startswith("1:1: unknown section 'GLOBAL'; did you mean 'GLOBALS'?")
    (twice,) = messages("GLOBALS\nloss: mse\nLAYERS\nsize: 1\nGLOBALS\nlrate: 1\n", tmp_path)
    assert twice == "5:1: section GLOBALS stands at line 1 already"


def test_data_and_training_take_the_schemas_own_words(tmp_path: Path) -> None:
    text = "GLOBALS\nloss: mse\nLAYERS\nsize: 1\nDATA\nnois: 1 split: (1 1 1)\nTRAINING\nlr: 1\n"
    data, split, training = messages(text, tmp_path)
    assert data.startswith("6:1: unknown key 'nois'; did you mean 'noise'?")
    assert split.startswith("6:16: the fractions of split must sum to 1; 1 + 1 + 1 = 3")
    assert training.startswith("8:1: key 'lr' belongs to GLOBALS as 'lrate', not to TR")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a b  c, d:1", "a b  c"),
        ("a,, x y , d:1", "a,, x y"),
        ("a,b d:1", "a,b"),
        ("a, b,  c # d", "a, b,  c"),
        ("a# b ,", "a# b"),
        ("/p q/r.csv,", "/p q/r.csv"),
    ],
)
def test_a_word_runs_up_to_the_next_key(text: str, value: str) -> None:
    assert read_compact(f"DATA\nfile: {text}").value["data"]["file"] == value


BLANKS = " " * 1_000_000
LONG_LINES = {
    "blanks in a word": f"file: a{BLANKS}b",
    "blanks and then nothing": f"file: a{BLANKS},",
    "blanks behind a lone word": f"size{BLANKS}x",
    "blanks behind a colon": f"size:{BLANKS}x:",
    "words and blanks": "file: " + "a    " * 200_000,
    "a long word": "file: " + "a" * 1_000_000,
    "many paths": "".join(f"k{k}:C:/1 " for k in range(3_000)) + "z: " + "a" * 5_000_000,
}


@pytest.mark.parametrize("line", LONG_LINES.values(), ids=LONG_LINES)
def test_a_long_line_takes_time_in_proportion_to_its_length(line: str) -> None:
    found = times(
        lambda: read_compact(f"DATA\n{line}"), lambda: add_up(bytes(len(line))), at_most=10
    )
    assert found <= 10
