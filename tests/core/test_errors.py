"""Messages: where, what was found, and the nearest valid spelling."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core import errors
from chainrule.core.errors import ChainruleError, ConfigError, Problem, nearest, unknown
from chainrule.core.vocabulary import SYNONYMS

KINDS = ("ConfigError", "DataError", "ShapeError", "DivergenceError", "MissingExtraError")


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("wrong"), "wrong"),
        (Problem("wrong", "a.yaml"), "a.yaml: wrong"),
        (Problem("wrong", Path("a.yaml"), 3), "a.yaml:3: wrong"),
        (Problem("wrong", "a.yaml", 3, 7), "a.yaml:3:7: wrong"),
    ],
)
def test_a_problem_says_where_it_stands(problem, text):
    assert str(problem) == text


def test_an_error_has_a_line_for_every_problem():
    problems = [Problem("first", "f", 1, 2), Problem("second", "f", 9, 1)]
    error = ConfigError(problems)
    assert str(error) == "f:1:2: first\nf:9:1: second"
    assert error.problems == tuple(problems)


@pytest.mark.parametrize("problems", ["wrong", Problem("wrong"), [Problem("wrong")]])
def test_one_problem_may_be_given_as_it_is(problems):
    error = ChainruleError(problems)
    assert error.problems == (Problem("wrong"),)
    assert str(error) == "wrong"


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_a_chainrule_error_and_a_value_error(name):
    kind = getattr(errors, name)
    assert issubclass(kind, ChainruleError)
    assert issubclass(kind, ValueError)


VALID = ["relu", "leaky_relu", "tanh", "silu", "L2", "linear"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("rellu", "relu"),
        ("ReLU", "relu"),
        (" tanh ", "tanh"),
        ("leaky-relu", "leaky_relu"),
        ("Leaky ReLU", "leaky_relu"),
        ("l2", "L2"),
        ("swish", "silu"),
        ("Identity", "linear"),
        ("zzz", None),
        (17, None),
        ("", None),
    ],
)
def test_the_nearest_word(word, expected):
    assert nearest(word, VALID) == expected


def test_a_synonym_is_proposed_only_where_its_word_is_valid():
    assert nearest("swish", ["tanh"]) is None


@pytest.mark.exhaustive
@given(st.sampled_from(sorted(SYNONYMS)))
def test_a_synonym_leads_to_a_word_that_is_no_synonym(word):
    assert nearest(word, [SYNONYMS[word]]) == SYNONYMS[word]
    assert SYNONYMS[word] not in SYNONYMS


@given(st.text(), st.lists(st.text()))
def test_what_is_proposed_is_always_valid(word, valid):
    assert nearest(word, valid) in [*valid, None]


def test_the_message_for_an_unknown_word():
    assert unknown("loss", "mes", ["mse", "mae"]) == (
        "unknown loss 'mes'; did you mean 'mse'? Known: mse, mae"
    )
    assert unknown("loss", "zzz", iter(["mse"])) == "unknown loss 'zzz'. Known: mse"
    assert unknown("option", "slope", []) == "unknown option 'slope'. Known: none"
