"""Every key and value of a TOML text is found where it stands."""

import pytest

from chainrule.core.errors import ConfigError
from chainrule.marking.assignments.toml_places import parse_toml

TEXT = '''# a comment = [ "not a value" ]
title = "a # no comment"
a.b."c d" = 1
[one]  # [two]
text = """
[no.table]
x = 1"""
list = [ 1, [ "]", 'x' ],
  { k = 2, l.m = 1979-05-27 07:32:00 }, ]
[[many]]
[[many]]
n = {}
[many.inner]
v = 1e3
[[many.deep]]
w = \'\'\'''a\'\'\'\'\'
'''

PLACES = {
    ("title",): (2, 9),
    ("a", "b", "c d"): (3, 13),
    ("one",): (4, 1),
    ("one", "text"): (5, 8),
    ("one", "list"): (8, 8),
    ("one", "list", 1, 0): (8, 15),
    ("one", "list", 2, "k"): (9, 9),
    ("one", "list", 2, "l", "m"): (9, 18),
    ("many", 0): (10, 1),
    ("many", 1, "n"): (12, 5),
    ("many", 1, "inner", "v"): (14, 5),
    ("many", 1, "deep", 0, "w"): (16, 5),
}


def test_places_are_those_of_the_text():
    tree = parse_toml(TEXT)
    assert {k: (tree.values[k].line, tree.values[k].column) for k in PLACES} == PLACES
    for path in PLACES:
        tree.value_at(path)  # each is a value that tomllib has as well
    assert (tree.keys["one", "list"].line, tree.keys["one", "list"].column) == (8, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a = 1\nb = ", "2:5: this is no TOML: Invalid value"), ("a = [1", "1:7: this is no TOML")],
)
def test_what_is_no_toml_is_said_with_its_place(text, expected, tmp_path):
    with pytest.raises(ConfigError) as error:
        parse_toml(text, tmp_path / "x.toml")
    assert str(error.value).startswith(f"{tmp_path / 'x.toml'}:{expected}")


def test_deep_nesting_ends_in_a_message():
    with pytest.raises(ConfigError, match=r"nested too deeply|no TOML"):
        parse_toml("a = " + "[" * 100_000)
