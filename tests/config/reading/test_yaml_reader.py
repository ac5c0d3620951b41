from __future__ import annotations

import pytest

from chainrule.config.reading.yaml_reader import read_yaml
from chainrule.core.errors import ConfigError


def test_every_key_and_value_has_its_place() -> None:
    tree = read_yaml("a: 1\nb:\n  - {c: x}\n  - 'q'\n", "f.yaml")
    assert tree.value == {"a": 1, "b": [{"c": "x"}, "q"]}
    value, key = tree.place(("b", 0, "c")), tree.place(("b", 0, "c"), of_key=True)
    assert (value.source, value.line, value.column) == ("f.yaml", 3, 9)
    assert (key.line, key.column) == (3, 6)
    assert tree.place(("b", 1)).line == 4
    assert tree.place(("b", 0, "absent", "deeper")).line == 3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1e5", 100000.0),
        ("1E+3", 1000.0),
        (".5", 0.5),
        ("0x10", 16),
        ("0o17", 15),
        ("010", 10),
        ("true", True),
        ("yes", "yes"),
        ("off", "off"),
        ("null", None),
        ("~", None),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("2001-01-01", "2001-01-01"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
    ],
)
def test_scalars_are_of_the_core_schema(text: str, value: object) -> None:
    found = read_yaml(f"a: {text}").value["a"]
    assert (found, type(found)) == (value, type(value))


def test_duplicate_keys_are_reported_and_the_first_counts() -> None:
    tree = read_yaml("a: 1\nb: {c: 1, c: {d: 2, d: 3}}\na: 2\n", "f")
    assert tree.value == {"a": 1, "b": {"c": 1}}
    assert {str(problem) for problem in tree.problems} >= {
        "f:2:11: duplicate key 'c'; it stands at line 2 already",
        "f:3:1: duplicate key 'a'; it stands at line 1 already",
    }
    assert tree.place(("a",)).line == 1


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a:\n\tb: 1", (2, 1), "a tab cannot indent"),
        ("a: @x", (1, 4), "a value cannot start with @"),
        ("a: b: c", (1, 5), "this ':' is one too many"),
        ("size:100\nact: relu", (2, 4), "with a space after the ':'"),
        ("a: [1, 2", (1, 9), "']' is missing"),
        ("a: {b: 1]", (1, 9), "expected ',' or '}' before ']'"),
        ("a: 'x\n", (2, 1), "a quotation mark is opened and never closed (see line 1)"),
        ("a: 1\nb\nc: 2", (3, 1), "a line above this is not 'key: value'"),
        ("a:\n  b: 1\n c: 2", (3, 2), "this line is not indented"),
        ("a: - b", (1, 4), "a '- ' item must start on a line of its own"),
        ('a: "\\q"', (1, 6), "'\\q' means nothing in double quotes"),
        ("a: &x 1\nb: *x", (2, 4), "aliases (*x) are not read"),
        ("&a [*a]", (1, 5), "aliases"),
        ("a: !!python/object/apply:os.getpid []", (1, 4), "tags"),
        ("a: 1\n---\nb: 2", (2, 1), "a second document"),
        ("? [a]\n: b", (1, 3), "a key must be a single word"),
        ("[" * 500 + "]" * 500, (1, 42), "nested too deeply"),
    ],
)
def test_what_is_refused_has_a_place_and_plain_words(
    text: str, place: tuple[int, int], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_yaml(text)
    (problem,) = caught.value.problems
    assert words in problem.message
    assert (problem.line, problem.column) == place


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{k}: &a{k} [*a{k - 1}, *a{k - 1}]" for k in range(1, 60))]
    with pytest.raises(ConfigError, match="aliases"):
        read_yaml("\n".join(lines))
