"""Arguments that are declared by a signature: numbers of any size end in a message."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

import numpy as np
import pytest

from chainrule.core.arguments import MOST
from chainrule.core.declared import Arguments, checked
from chainrule.core.errors import ConfigError
from chainrule.core.randomness import stream
from chainrule.core.schema import Count, Flag, Share, WholeRange, Word
from chainrule.data.generators.points import blobs, xor
from chainrule.data.generators.shapes import ImageGenerator


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("digits", [30, 400, 5000])
@pytest.mark.parametrize("name", ["size", "classes", "count", "noise", "width", "seed", "split"])
def test_a_number_of_any_size_is_told_in_few_words(name, digits, sign):
    huge = sign * 10**digits
    if name == "seed" and digits == 30 and sign == 1:
        ImageGenerator(seed=huge)
        return
    value = [huge, 0, 0] if name == "split" else huge
    with pytest.raises(ConfigError) as caught:
        ImageGenerator(**{name: value})
    assert str(caught.value).startswith(f"{name} must")
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("arguments", [{"count": 10**400}, {"noise": 10**400}])
def test_points_are_not_made_beyond_every_bound(arguments):
    with pytest.raises(ConfigError, match=r"must be a"):
        xor(stream(1), **arguments)
    with pytest.raises(ConfigError, match=f"features must be at most {MOST}, found"):
        blobs(stream(1), features=10**400)


@checked
def made(
    first: object,
    count: Count,
    *,
    share: Share = 0.5,
    sides: Annotated[int, WholeRange(1)] | None = None,
    kind: Annotated[str, Word("kind", ("one", "two"))] = "one",
    loud: Flag = False,
) -> tuple[object, ...]:
    """A thing.

    Args:
        first: passed on as it is.
        count: how many
            of them. The rest of this is for readers.
        share: of ``all``.
    """
    return first, count, share, sides, kind, loud


def test_values_come_as_the_schema_reads_them():
    class Number(IntEnum):
        FOUR = 4

    first = object()
    assert made(first, np.int64(3), sides=2) == (first, 3, 0.5, [2, 2], "one", False)
    assert made(first, count=Number.FOUR, kind="TWO", sides=None)[1:5] == (4, 0.5, None, "two")
    assert type(made(first, np.int64(3))[1]) is int


def test_all_that_is_wrong_is_told_at_once_with_the_arguments_names():
    with pytest.raises(ConfigError) as caught:
        made(None, 0, share=np.nan, kind="tow", loud=None, sides=object)
    assert [problem.key for problem in caught.value.problems] == ["sides"]
    with pytest.raises(ConfigError) as caught:
        made(None, MOST + 1, share=np.nan, kind="tow", loud=None)
    assert [(problem.key, problem.message) for problem in caught.value.problems] == [
        ("count", f"count must be at most {MOST}, found {MOST + 1}"),
        ("share", "share must be a number from 0 to 1, found nan"),
        ("kind", "unknown kind 'tow'; did you mean 'two'? Known: one, two"),
        ("loud", "loud must be true or false, found nothing"),
    ]


def test_an_unknown_argument_is_told_the_nearest():
    with pytest.raises(ConfigError, match="unknown argument 'lous'; did you mean 'loud'"):
        made(None, 1, lous=True)
    with pytest.raises(TypeError, match="missing a required argument: 'count'"):
        made(None)


def test_the_first_sentence_of_an_argument_describes_it():
    fields = Arguments(made).model.model_fields
    assert fields["count"].description == "how many of them"
    assert fields["share"].description == "of all"
    assert fields["kind"].description is None
    assert fields["count"].is_required()
    assert "first" not in fields
