"""The help of every command: what an option takes, and examples that could be typed."""

from __future__ import annotations

import re
import shlex

import pytest

from chainrule.cli.examples import EXAMPLES
from chainrule.cli.explain import FORMATS as FORMATS_OF_EXPLAIN
from chainrule.cli.main import COMMANDS
from chainrule.cli.plot import PICTURES
from chainrule.gradients.checking import METHODS
from chainrule.peers import PEERS
from chainrule.runs.export.formats import FORMATS
from chainrule.training.engines import ENGINES

ALL = [
    *COMMANDS,
    "data show",
    "data make",
    "assignment init",
    "assignment check",
    "assignment programs",
]

PARTS = ("train", "validation", "test")
DTYPES = ("float32", "float64")

# Options and arguments that take one of a few words, the commands that have them, and the words.
CHOICES = [
    ("--engine", ("train", "compare"), ("auto", *ENGINES)),
    ("--with", ("compare",), (*PEERS,)),
    ("--method", ("check",), (*METHODS,)),
    ("--split", ("evaluate", "explain", "inspect", "data show"), PARTS),
    ("--format", ("explain",), (*FORMATS_OF_EXPLAIN,)),
    ("--to", ("export",), (*FORMATS,)),
    ("--dtype", ("export",), DTYPES),
    ("WHAT", ("plot",), (*PICTURES,)),
]


@pytest.fixture
def help_of(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    return lambda name: command(*name.split(), "--help").out


def entry(text: str, option: str) -> str:
    """What a help says of an option or an argument, in one line."""
    found = re.search(rf"^  (?:-\w, )?{option}\b.*?(?=^  \S|\n\n|\Z)", text, re.M | re.S)
    assert found, option
    return " ".join(found[0].split())


@pytest.mark.parametrize(
    ("option", "commands", "words"), CHOICES, ids=[choice[0] for choice in CHOICES]
)
def test_an_option_that_takes_one_of_a_few_words_names_them(help_of, option, commands, words):
    for name in commands:
        said = entry(help_of(name), option)
        for word in words:
            assert re.search(rf"\b{word}\b", said), (name, word)


@pytest.mark.parametrize("name", ALL)
def test_every_option_says_what_it_takes_and_the_help_ends_with_examples(help_of, name):
    text = help_of(name)
    options = text.split("Options:")[1].split("Example")[0]
    assert not re.search(r"<[a-z]", options), (
        "an option without a metavar shows the name of a type of Python"
    )
    lines = text.rstrip().splitlines()
    at = next(k for k, line in enumerate(lines) if line.strip() in ("Example:", "Examples:"))
    assert [line.strip() for line in lines[at + 1 :]] == [
        f"chainrule {words}" for words in EXAMPLES[name]
    ]
    assert max(map(len, lines)) <= 80


@pytest.mark.exhaustive
@pytest.mark.parametrize("words", [each for lines in EXAMPLES.values() for each in lines])
def test_an_example_is_a_command_line_that_is_read(command, words):
    """The parser takes it: what is missed, if anything, is a file."""
    ended = command(*shlex.split(words.partition(" > ")[0]))
    assert "Usage:" not in ended.err
    if ended.status:
        assert re.search(r"no such file|does not exist|there is no", ended.err), ended.err


def test_every_command_has_examples():
    assert set(EXAMPLES) == {*ALL}
    assert all(EXAMPLES.values())
